package webhook

// What tests know of the inside.
var (
	Public = public
	EndOf  = endOf
)

const (
	KeepMax  = keepMax
	LagMax   = lagMax
	LinksMax = linksMax
)
