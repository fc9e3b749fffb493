package pos

import (
	"sotto/apdu"
	"sotto/emv"
	"sotto/tlv"
)

// Instructions that a terminal sends (EMV 4.4 Book 3, 6.5; Book 1, 11; EMV
// Contactless Book B, Annex C). Scripts bring their own.
const (
	insSelect               byte = 0xA4
	insReadRecord           byte = 0xB2
	insGetResponse          byte = 0xC0
	insProcessingOptions    byte = 0xA8
	insGenerateAC           byte = 0xAE
	insExternalAuthenticate byte = 0x82
	insPOIInformation       byte = 0x1A
)

// Names of the two directories.
const (
	namePPSE = "2PAY.SYS.DDF01"
	namePSE  = "1PAY.SYS.DDF01"
)

// selectNextP2 asks for the next application whose name begins so (Book 1,
// 11.3.2).
const selectNextP2 = 0x02

func selectCommand(name []byte, p2 byte) apdu.Command {
	return apdu.Command{INS: insSelect, P1: 0x04, P2: p2, Data: name, Ne: apdu.NeMaxShort}
}

func readRecordCommand(file, number byte) apdu.Command {
	return apdu.Command{INS: insReadRecord, P1: number, P2: file<<3 | 0x04, Ne: apdu.NeMaxShort}
}

// templated is a command of class 80 whose data is a command template (83).
func templated(ins byte, values []byte) apdu.Command {
	data := tlv.Append(nil, emv.TagCommandTemplate, values)
	return apdu.Command{CLA: 0x80, INS: ins, Data: data, Ne: apdu.NeMaxShort}
}

func generateCommand(asked emv.CID, cda bool, values []byte) apdu.Command {
	p1 := byte(asked)
	if cda {
		p1 |= emv.RequestCDA
	}
	return apdu.Command{CLA: 0x80, INS: insGenerateAC, P1: p1, Data: values, Ne: apdu.NeMaxShort}
}

func authenticateCommand(issuerAuth []byte) apdu.Command {
	return apdu.Command{INS: insExternalAuthenticate, Data: issuerAuth}
}
