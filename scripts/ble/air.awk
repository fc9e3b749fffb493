# air.awk counts what crossed the air in a capture of btmon, or in the rest of one,
# which comes as decimal bytes: `od -An -v -tu1 FILE`. The format is that of BlueZ's
# monitor: a header of 16 bytes, which the variable header says how much there is
# of, and packets with 24 bytes before each, of which the second word is the length
# and the last half of the third says what it is.
#
# It prints packets and bytes that the hosts of both sides handed to their
# controllers for the air (L2CAP and ATT with what they carry), how often a link
# was encrypted, and how many public keys were sent for pairing by LE Secure
# Connections.

BEGIN { lead = 24 }
{
	for (i = 1; i <= NF; i++)
		take($i)
}
END { print packets + 0, bytes + 0, encrypted + 0, keys + 0 }

function take(b) {
	if (header > 0) {
		header--
		return
	}
	p[at++] = b
	if (at == lead)
		length_ = lead + ((p[4] * 256 + p[5]) * 256 + p[6]) * 256 + p[7]
	if (at >= lead && at == length_) {
		packet(p[10] * 256 + p[11])
		at = 0
	}
}

# HCI, Core 5.4, Vol 4, Part E, 5.4.2 and 7.7.8; SMP, Vol 3, Part H, 3.5.6.
function packet(kind) {
	if (kind == 4) { # data to a controller
		packets++
		bytes += p[26] + 256 * p[27]
		if (p[30] == 6 && p[31] == 0 && p[32] == 12)
			keys++
	}
	if (kind == 3 && p[24] == 8 && p[26] == 0 && p[29] == 1)
		encrypted++
}
