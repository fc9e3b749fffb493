// Package epaper drives a 2.13 inch e-paper panel of 250 by 122 pixels with an
// SSD1680 controller, over SPI with three more lines: D/C, reset and busy.
//
// Use Open with the names of a Linux machine's lines, or New with anything that
// implements periph.io's interfaces. A Panel is a screen.Panel.
//
// Each update is whole in itself: reset, set up, write both of the controller's
// memories, refresh, sleep. Nothing on the glass changes before the last command
// but one, so an update that is cut off on its way leaves the picture before. A
// page is only ever put on blank glass or over a page of the same view, where the
// code stays as it is; everything else is blanked first, with the long refresh
// that leaves no ghost of a code. What the glass shows when the power fails
// within a refresh is physics: a fainter or inverted form of one picture on
// blank paper, never digits of two codes. What it showed before the power failed
// it goes on showing without power, until the card is switched on again.
//
// Timing and sequence follow the SSD1680's data sheet (Solomon Systech, rev.
// 0.14) and are tested against a model of the controller, not on glass.
package epaper
