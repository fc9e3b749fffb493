// Package client speaks to the bank: Client to its HTTP API, Bus to its bus as
// one phone. Enrol makes a phone of a ticket.
//
// Errors of the API are *bankapi.Problem. Nothing here prints, logs or keeps a
// key, and no error has the body of a message in it.
package client
