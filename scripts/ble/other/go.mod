module sotto/scripts/ble/other

go 1.26.0

require (
	golang.org/x/sys v0.49.0
	sotto v0.0.0
	tinygo.org/x/bluetooth v0.17.0
)

replace sotto => ../../..
