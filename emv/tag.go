package emv

import "sotto/tlv"

// Data objects of EMV 4.4 Book 3, Annex A, which also hold in every kernel.
const (
	TagADFName             tlv.Tag = 0x4F // AID, in a directory entry
	TagLabel               tlv.Tag = 0x50
	TagTrack2              tlv.Tag = 0x57
	TagPAN                 tlv.Tag = 0x5A
	TagCardholderName      tlv.Tag = 0x5F20
	TagExpiry              tlv.Tag = 0x5F24
	TagEffective           tlv.Tag = 0x5F25
	TagIssuerCountry       tlv.Tag = 0x5F28
	TagCurrency            tlv.Tag = 0x5F2A
	TagLanguage            tlv.Tag = 0x5F2D
	TagServiceCode         tlv.Tag = 0x5F30
	TagPSN                 tlv.Tag = 0x5F34
	TagCurrencyExponent    tlv.Tag = 0x5F36
	TagApplicationTemplate tlv.Tag = 0x61
	TagFCI                 tlv.Tag = 0x6F
	TagRecord              tlv.Tag = 0x70
	TagScript1             tlv.Tag = 0x71 // before the second GENERATE AC
	TagScript2             tlv.Tag = 0x72 // after it
	TagDirectory           tlv.Tag = 0x73 // directory discretionary template
	TagResponse2           tlv.Tag = 0x77 // response message template format 2
	TagResponse1           tlv.Tag = 0x80 // response message template format 1
	TagAmountBinary        tlv.Tag = 0x81
	TagAIP                 tlv.Tag = 0x82
	TagCommandTemplate     tlv.Tag = 0x83
	TagDFName              tlv.Tag = 0x84
	TagScriptCommand       tlv.Tag = 0x86
	TagPriority            tlv.Tag = 0x87
	TagSFI                 tlv.Tag = 0x88
	TagAuthorisationCode   tlv.Tag = 0x89
	TagARC                 tlv.Tag = 0x8A
	TagCDOL1               tlv.Tag = 0x8C
	TagCDOL2               tlv.Tag = 0x8D
	TagCVMList             tlv.Tag = 0x8E
	TagCAIndex             tlv.Tag = 0x8F
	TagIssuerCertificate   tlv.Tag = 0x90
	TagIssuerAuth          tlv.Tag = 0x91
	TagIssuerRemainder     tlv.Tag = 0x92
	TagSSAD                tlv.Tag = 0x93 // signed static application data
	TagAFL                 tlv.Tag = 0x94
	TagTVR                 tlv.Tag = 0x95
	TagTDOL                tlv.Tag = 0x97
	TagTCHash              tlv.Tag = 0x98
	TagDate                tlv.Tag = 0x9A
	TagTSI                 tlv.Tag = 0x9B
	TagType                tlv.Tag = 0x9C // transaction type
	TagDDFName             tlv.Tag = 0x9D
	TagAcquirer            tlv.Tag = 0x9F01
	TagAmount              tlv.Tag = 0x9F02
	TagAmountOther         tlv.Tag = 0x9F03
	TagDiscretionary       tlv.Tag = 0x9F05
	TagAID                 tlv.Tag = 0x9F06 // AID, of the terminal
	TagAUC                 tlv.Tag = 0x9F07
	TagVersion             tlv.Tag = 0x9F08 // application version, card
	TagVersionTerminal     tlv.Tag = 0x9F09
	TagIACDefault          tlv.Tag = 0x9F0D
	TagIACDenial           tlv.Tag = 0x9F0E
	TagIACOnline           tlv.Tag = 0x9F0F
	TagIAD                 tlv.Tag = 0x9F10
	TagCodeTable           tlv.Tag = 0x9F11
	TagPreferredName       tlv.Tag = 0x9F12
	TagLastOnlineATC       tlv.Tag = 0x9F13
	TagMCC                 tlv.Tag = 0x9F15
	TagMerchant            tlv.Tag = 0x9F16
	TagPINTries            tlv.Tag = 0x9F17
	TagScriptID            tlv.Tag = 0x9F18
	TagCountry             tlv.Tag = 0x9F1A // of the terminal
	TagFloorLimit          tlv.Tag = 0x9F1B
	TagTerminal            tlv.Tag = 0x9F1C // terminal identification
	TagSerial              tlv.Tag = 0x9F1E // interface device serial number
	TagTrack1Discretionary tlv.Tag = 0x9F1F
	TagTrack2Discretionary tlv.Tag = 0x9F20
	TagTime                tlv.Tag = 0x9F21
	TagCAIndexTerminal     tlv.Tag = 0x9F22
	TagAC                  tlv.Tag = 0x9F26
	TagCID                 tlv.Tag = 0x9F27
	TagIssuerExponent      tlv.Tag = 0x9F32
	TagTerminalCaps        tlv.Tag = 0x9F33
	TagCVMResults          tlv.Tag = 0x9F34
	TagTerminalType        tlv.Tag = 0x9F35
	TagATC                 tlv.Tag = 0x9F36
	TagUnpredictable       tlv.Tag = 0x9F37
	TagPDOL                tlv.Tag = 0x9F38
	TagEntryMode           tlv.Tag = 0x9F39
	TagTerminalCapsMore    tlv.Tag = 0x9F40
	TagSequence            tlv.Tag = 0x9F41
	TagApplicationCurrency tlv.Tag = 0x9F42
	TagApplicationExponent tlv.Tag = 0x9F44
	TagDAC                 tlv.Tag = 0x9F45 // data authentication code
	TagICCCertificate      tlv.Tag = 0x9F46
	TagICCExponent         tlv.Tag = 0x9F47
	TagICCRemainder        tlv.Tag = 0x9F48
	TagDDOL                tlv.Tag = 0x9F49
	TagSDATagList          tlv.Tag = 0x9F4A
	TagSDAD                tlv.Tag = 0x9F4B // signed dynamic application data
	TagICCDynamicNumber    tlv.Tag = 0x9F4C
	TagLogEntry            tlv.Tag = 0x9F4D
	TagMerchantName        tlv.Tag = 0x9F4E
	TagLogFormat           tlv.Tag = 0x9F4F
	TagFCIProprietary      tlv.Tag = 0xA5
	TagFCIDiscretionary    tlv.Tag = 0xBF0C
)

// Data objects of EMV Contactless Book B, Annexes A and C: Entry Point and
// SEND POI INFORMATION.
const (
	TagPOI                tlv.Tag = 0x8B
	TagExtendedAID        tlv.Tag = 0x9F29 // extended selection
	TagKernel             tlv.Tag = 0x9F2A // kernel identifier
	TagTerminalCategories tlv.Tag = 0x9F3E // terminal categories supported list; Book 3 leaves it free
	TagSDOL               tlv.Tag = 0x9F3F // selection data object list; Book 3 leaves it free
)

// Data objects of kernel 3 (EMV Contactless Book C-3) and of qPBOC (JR/T
// 0025.12), which agree on them. Kernel 2 means other things by some.
const (
	TagAvailable tlv.Tag = 0x9F5D // available offline spending amount; of an account, the last known amount
	TagTTQ       tlv.Tag = 0x9F66 // kernel 2: PUNATC(Track2)
	TagProcesses tlv.Tag = 0x9F68 // card additional processes
	TagCardAuth  tlv.Tag = 0x9F69 // card authentication related data; kernel 2: UDOL
	TagCTQ       tlv.Tag = 0x9F6C // kernel 2: mag-stripe application version
)

// Data objects of kernel 2 (EMV Contactless Book C-2) that a trace must not
// show, whoever sends them.
const (
	TagTrack1            tlv.Tag = 0x56
	TagTrack2Contactless tlv.Tag = 0x9F6B
)

// Data objects of the electronic cash purse (JR/T 0025.13, and JR/T 0025.5 for
// 9F51 and the load log). Kernel 2 uses 9F6D, 9F77 to 9F7B otherwise.
const (
	TagPurseCurrency  tlv.Tag = 0x9F51 // application currency code of the card's risk management
	TagPurseReset     tlv.Tag = 0x9F6D // reset threshold
	TagPurseCode      tlv.Tag = 0x9F74 // issuer authorisation code
	TagBalanceMax     tlv.Tag = 0x9F77 // balance limit
	TagPurseTapMax    tlv.Tag = 0x9F78 // single transaction limit
	TagBalance        tlv.Tag = 0x9F79
	TagPurseIndicator tlv.Tag = 0x9F7A // terminal supports electronic cash
	TagPurseTerminal  tlv.Tag = 0x9F7B // terminal transaction limit
	TagLoadLogEntry   tlv.Tag = 0xDF4D
	TagLoadLogFormat  tlv.Tag = 0xDF4F
)

// TagReason is our own, of the range that EMV leaves to issuers: why no applet
// could be chosen, in BF0C of the answer to SEND POI INFORMATION.
const TagReason tlv.Tag = 0xDF50
