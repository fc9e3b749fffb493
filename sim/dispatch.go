package sim

import (
	"sotto/apdu"
	"sotto/emv"
	"sotto/scp03"
)

// Instructions that the packages below have no names for.
const (
	insSelect               byte = 0xA4
	insReadRecord           byte = 0xB2
	insGetData              byte = 0xCA
	insProcessingOptions    byte = 0xA8
	insGenerateAC           byte = 0xAE
	insExternalAuthenticate byte = 0x82
	insInternalAuthenticate byte = 0x88
	insPOIInformation       byte = 0x1A
	insInitializeUpdate     byte = 0x50
	insInstall              byte = 0xE6
	insStoreData            byte = 0xE2
	insDelete               byte = 0xE4
	insGetStatus            byte = 0xF2
	insSetStatus            byte = 0xF0
)

// Classes of commands on the basic channel.
const (
	classPlain       apdu.Class = 0x00
	classScript      apdu.Class = 0x04 // EMV's secure messaging, format 2
	classProprietary apdu.Class = 0x80
	classProtected   apdu.Class = 0x84
)

// instruction is one row of what the device understands.
type instruction struct {
	class apdu.Class
	ins   byte
	of    file // to which it is a command; fileNone: whatever is selected
	run   func(*turn, apdu.Command) apdu.Response
}

var instructions = [...]instruction{
	{classPlain, insSelect, fileNone, (*turn).selectName},
	{classPlain, insReadRecord, filePSE, (*turn).readDirectory},
	{classProprietary, insPOIInformation, filePPSE, (*turn).poiInformation},

	{classPlain, insReadRecord, fileApplet, onApplet((*applet).readRecord)},
	{classProprietary, insGetData, fileApplet, onApplet((*applet).getData)},
	{classProprietary, insProcessingOptions, fileApplet, onApplet(withProfile((*applet).processingOptions))},
	{classProprietary, insGenerateAC, fileApplet, onApplet(withProfile((*applet).generateAC))},
	{classPlain, insInternalAuthenticate, fileApplet, onApplet(withProfile((*applet).internalAuthenticate))},
	{classPlain, insExternalAuthenticate, fileApplet, onApplet(withProfile((*applet).externalAuthenticate))},
	{classScript, emv.INSPutData, fileApplet, onApplet(withProfile((*applet).script))},
	{classProtected, emv.INSApplicationBlock, fileApplet, onApplet(withProfile((*applet).script))},
	{classProtected, emv.INSApplicationUnblock, fileApplet, onApplet(withProfile((*applet).script))},

	{classProprietary, insInitializeUpdate, fileIssuer, (*turn).initializeUpdate},
	{classProtected, insExternalAuthenticate, fileIssuer, (*turn).openChannel},
	{classProprietary, insInstall, fileIssuer, (*turn).bare},
	{classProprietary, insStoreData, fileIssuer, (*turn).bare},
	{classProprietary, insDelete, fileIssuer, (*turn).bare},
	{classProprietary, insGetStatus, fileIssuer, (*turn).bare},
	{classProprietary, insSetStatus, fileIssuer, (*turn).bare},
	{classProtected, insInstall, fileIssuer, protected((*turn).install)},
	{classProtected, insStoreData, fileIssuer, protected((*turn).storeData)},
	{classProtected, insDelete, fileIssuer, protected((*turn).delete)},
	{classProtected, insGetStatus, fileIssuer, protected((*turn).getStatus)},
	{classProtected, insSetStatus, fileIssuer, protected((*turn).setStatus)},
}

// classStatus refuses classes that nothing here understands.
func classStatus(c apdu.Class) apdu.Status {
	switch {
	case !c.Valid(), !c.Interindustry() && !c.Proprietary():
		return apdu.StatusWrongCLA
	case c.Proprietary() && c != classProprietary && c != classProtected:
		return apdu.StatusWrongCLA
	case c.Channel() != 0:
		return apdu.StatusNoChannel
	case c.Chained():
		return apdu.StatusNoChaining
	case c.Interindustry() && c != classPlain && c != classScript:
		return apdu.StatusNoSecureMessaging
	}
	return apdu.StatusOK
}

// dispatch finds the row of a command. An instruction that is known, but not in
// this class, is 6E00; one that the selected file does not have is 6985.
func (t *turn) dispatch(c apdu.Command) apdu.Response {
	if c.INS != insExternalAuthenticate {
		t.session.channel.offer = scp03.Offer{} // good for the next command alone
	}
	answered := apdu.StatusWrongINS
	for _, row := range instructions {
		switch {
		case row.ins != c.INS:
		case row.class == c.CLA && (row.of == fileNone || row.of == t.session.selected.file):
			return row.run(t, c)
		case row.class == c.CLA:
			answered = apdu.StatusConditions
		case answered != apdu.StatusConditions:
			answered = apdu.StatusWrongCLA
		}
	}
	return status(answered)
}

// onApplet opens the selected applet for a command. It may have been locked or
// deleted since it was selected.
func onApplet(run func(*applet, apdu.Command) apdu.Response) func(*turn, apdu.Command) apdu.Response {
	return func(t *turn, c apdu.Command) apdu.Response {
		e, ok := t.entry([]byte(t.session.selected.aid))
		if !ok || !e.usable() {
			return status(apdu.StatusConditions)
		}
		a := t.open(e)
		if t.fault != nil {
			return status(apdu.StatusMemoryFailure)
		}
		return run(a, c)
	}
}
