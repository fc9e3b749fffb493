// Package screen draws a card.View on the payment card's e-paper panel: 250 by
// 122 pixels, one bit each.
//
// Use Compose to lay a view out, then ask the Layout for its Pages, for the
// Frame of a page, and for the Lines of text that stand on it. Frame and Lines
// come from the same placed runs of text, so they cannot disagree.
//
// It promises:
//   - Nothing is cut. Every character of every field that the scene shows stands
//     on some page; long fields continue on further pages, each with a page mark.
//   - The code stands on every page, and so does the amount. A scene without a
//     code shows none, whatever its view still holds.
//   - A space is the only character without ink. What the font lacks, and what
//     could act unseen (control, bidi, zero-width), is drawn as a black box with
//     the character's hexadecimal number in it; in Lines it is ⟦U+202E⟧.
//   - No text of others can stand in the label column, so no payee can pose as
//     another field. A plain card's lines have a bullet there.
//   - It is pure and deterministic, and does not panic on any string. Text may
//     be of any length; the page mark has room for 9,999 pages, some 450,000
//     characters. An empty view is one page.
//
// It refuses: right-to-left order and shaping (characters stand in logical
// order, one cell each), combining (a mark stands on its own), line breaks in
// fields, grey, and partial refresh. A code that is not at most 8 digits, or an
// amount too long for the title bar, is not shown in part: it is paged like any
// other field.
//
// The text face is bitmapfont's 12-pixel face for simplified Chinese, which a card
// has in its flash (card/screen/font). The digits of code and amount and the word
// mark are sotto's own, in sheet/. Drawing a page takes nothing from the heap, and
// composing a view one object, unless its texts are long.
package screen
