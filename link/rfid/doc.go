// Package rfid carries messages to a card over ISO/IEC 15693, through the mailbox
// of a dynamic tag: a tag with an RF side for the reader and a wired side for the
// card's own processor, and 256 bytes between them (docs/protocol/rfid.md).
//
// On the phone's side NewReach makes a link.Reach of a Radio, which sends one
// request and returns one response: a Field, which is simulated air with bit
// rate, range and loss, or a Reader's PassThrough, which is a PC/SC reader that
// lets requests through. On the card's side NewCard makes a Card of a
// link.Handler, to be put into a Field; VirtualReader puts a Field behind the
// commands of such a PC/SC reader.
//
// Inventory with masks finds the tags, a request through the mailbox asks which
// of them is the card (frame.Sign), and the frames of package frame carry the
// message, one in the mailbox at a time. Commands and registers are ISO/IEC
// 15693-3's, and those that STMicroelectronics publishes for the ST25DV family
// (DS10925) where that standard leaves them to manufacturers. Requests and
// responses that are damaged, by the CRC-16 of ISO/IEC 13239, are no requests and
// no responses.
//
// It has no 16-slot inventory, no memory blocks, and no passwords. A tag's UID is
// fixed by the standard, and anybody in range can follow it: where that matters,
// use another link. Nothing here is secret or authentic: messages are sealed
// before they come and after they leave.
package rfid
