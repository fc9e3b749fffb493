// Package sim has the rules of the near-field payment device: a SIM, or a phone
// that holds one.
package sim
