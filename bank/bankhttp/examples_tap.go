package bankhttp

import "sotto/bankapi"

// The ids of the examples about taps.
const (
	exampleApplet = "app_01JD3ZF4V7X0B3E6H9K2N5R8TJ"
	exampleTap    = exampleApplet + ".0012"
	exampleBatch  = exampleMerchant + "|TILL1|7"
	exampleLoad   = "load_01JD3ZG8M1P4S7V0Y3B6E9H2KM"

	exampleNumber = "621700*********0010" // of the purse
)

// Chip data of the examples: what the chips of a purse and of an account might
// have said, under keys that nobody has.
const (
	exampleTC = "5A0A6217000020000000010F820200008409F0736F74746F010001950500000000009A032701159C01005F2A0201565F340101" +
		"9F02060000000012509F03060000000000009F101307010103900000010A010000048750B131B9829F1A020156" +
		"9F26083516A6DB323E177D9F2701409F360200129F37042B29EBE4"
	exampleARQC = "5A0A6217000030000000019F820200008409F0736F74746F020001950500000000009A032701159C01005F2A0201565F340101" +
		"9F02060000000680009F03060000000000009F100807011703A00000019F1A020156" +
		"9F260840E6E1D89895FA339F2701809F360200079F37042B29EBE4"
	exampleInquiryARQC = "5A0A6217000030000000019F820200008409F0736F74746F020001950500000000009A032701159C01315F2A0201565F340101" +
		"9F02060000000000009F03060000000000009F100807011703A00000019F1A020156" +
		"9F26085C17E0B94A2D83F69F2701809F360200089F37042B29EBE4"
	exampleLoadARQC = "5A0A6217000020000000010F820200008409F0736F74746F010001950500000000009A032701159C01635F2A0201565F340101" +
		"9F02060000000300009F03060000000000009F101307010103A00000010A010000048750982CDB0F9F1A020156" +
		"9F2608431896A987E14A879F2701809F360200139F37042B29EBE4"
	exampleLater = "5A0A6217000020000000010F820200008409F0736F74746F010001950500000000009A032701159C01005F2A0201565F340101" +
		"9F02060000000000009F03060000000000009F101307010103800000010A0100000787504D7AC5AF9F1A020156" +
		"9F2608865C09371547B4629F2701009F360200149F37042B29EBE4"

	exampleModulus = "9aa6301064daee6805ef9fd4e675549bdac73edde9472fe6198c77beb0e70f1ce69ec3d7fdd60fc625459a427245782ed885" +
		"28ba516ae623ab9316ce4ab25af5a7a5bfb19b95dafc0bc2957eb7e920c36347d4a432662dd25f335cc5c4029024f2743713" +
		"87691e91bc71950347eb95981b3564a253f2bf308d4c27a3396054625eb3837e0a2482f5561a1f0a9b0106e370b49d0bc6c7" +
		"9aa47cf1348a4fd191a08e04c320f24a7ed416b65721195e2a87"
)

func exampleTapRequests() []any {
	return []any{
		bankapi.IssueApplet{
			Kind: bankapi.AppletPurse, Account: exampleAccount, PAN: "6217000020000000010", Sequence: 1, AID: "F0736F74746F010001",
			Label: "City Purse", Priority: 1, Expires: "2031-12", BalanceMax: 200_000, TapMax: 100_000,
		},
		bankapi.PostTaps{Terminal: "TILL1", Batch: 7, Taps: []bankapi.Tap{
			{Reference: "000123", Amount: 1250, Currency: "CNY", ChipData: exampleTC},
		}},
		bankapi.SettleBatch{Terminal: "TILL1", Batch: 7, Count: 2, Amount: 69_250, Currency: "CNY"},
		bankapi.Authorize{Terminal: "TILL1", Batch: 7, Reference: "000124", Amount: 68_000, Currency: "CNY", ChipData: exampleARQC},
		bankapi.Reverse{Terminal: "TILL1", Batch: 7, ChipData: exampleARQC},
		bankapi.Inquire{ChipData: exampleInquiryARQC},
		bankapi.CreateLoad{Amount: 30_000, Currency: "CNY", ChipData: exampleLoadARQC},
		bankapi.ResolveLoad{ChipData: exampleLater},
		bankapi.ResolveTap{Outcome: bankapi.Reject},
	}
}

func exampleTapAnswers() []any {
	applet := bankapi.Applet{
		ID: exampleApplet, Kind: bankapi.AppletPurse, Account: exampleAccount, Number: exampleNumber, Sequence: 1,
		AID: "F0736F74746F010001", Label: "City Purse", Priority: 1, Currency: "CNY", Expires: "2031-12", Status: bankapi.AppletActive,
		Balance: 50_000, BalanceMax: 200_000, TapMax: 100_000, ATC: 17, CreatedAt: exampleAt,
	}
	batch := bankapi.Batch{ID: exampleBatch, Merchant: exampleMerchant, Terminal: "TILL1", Number: 7, Currency: "CNY", Count: 1, Amount: 1250}
	settled := batch
	settled.Count, settled.Amount, settled.Transfer, settled.Settled = 2, 69_250, exampleTransfer, true
	load := bankapi.Load{
		ID: exampleLoad, Applet: exampleApplet, Account: exampleAccount, Amount: 30_000, Currency: "CNY", Status: bankapi.LoadInFlight,
		ATC: 19, ResponseCode: "00", IssuerAuth: "8fb0c2d94ea176533030", Script: "7211860f04da9f790a0000000787505c3d1e2f", CreatedAt: exampleAt,
	}
	return []any{
		applet, settled, load, page(applet), page(settled), page(load),
		bankapi.AppletPersonalization{Applet: exampleApplet, Data: "-----BEGIN AGE ENCRYPTED FILE-----\n…"},
		page(bankapi.CAKey{RID: "f0736f7474", Index: 1, Modulus: exampleModulus, Exponent: 3, Expires: "2049-12"}),
		bankapi.TapsPosted{
			Results: []bankapi.TapResult{{Reference: "000123", Tap: exampleTap, Status: bankapi.TapPosted}},
			Batch:   batch,
		},
		page(bankapi.TapRecord{
			ID: exampleTap + ".a1b2c3d4", Applet: exampleApplet, Number: exampleNumber, ATC: 18, Merchant: exampleMerchant, Terminal: "TILL1",
			Batch: 7, Reference: "000125", Amount: 900, Currency: "CNY", Status: bankapi.TapDisputed, Reason: bankapi.Duplicate,
			CreatedAt: exampleAt,
		}),
		bankapi.Authorization{
			Tap: "app_01JD3ZH1Q4T7W0Z3C6F9J2M5PN.0007", Status: bankapi.TapApproved, ResponseCode: "00", IssuerAuth: "41d27c9e60ab83f53030",
			Script: "7211860f04da9f5d0a0000000320009e84b7d1",
		},
		bankapi.Inquiry{
			Applet: "app_01JD3ZH1Q4T7W0Z3C6F9J2M5PN", Available: 132_000, Currency: "CNY", ResponseCode: "00",
			IssuerAuth: "7c05b9e2d8413fa63030", Script: "7211860f04da9f5d0a00000013200061d4a80c",
		},
		bankapi.TapRecord{
			ID: "app_01JD3ZH1Q4T7W0Z3C6F9J2M5PN.0007", Applet: "app_01JD3ZH1Q4T7W0Z3C6F9J2M5PN", Number: "621700*********0019", ATC: 7,
			Merchant: exampleMerchant, Terminal: "TILL1", Batch: 7, Reference: "000124", Amount: 68_000, Currency: "CNY",
			Status: bankapi.TapReversed, CreatedAt: exampleAt,
		},
	}
}
