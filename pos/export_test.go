package pos

// AllReasons lists the reasons in the order in which they are looked for.
func AllReasons() (list []Reason) {
	for _, row := range reasons {
		list = append(list, row.reason)
	}
	return list
}

// Reread writes an entry and reads it again.
func Reread(e Entry) (Entry, error) { return parseEntry(e.Number, e.encode()) }

// ParseEntry reads an entry of the journal.
func ParseEntry(number uint64, b []byte) (Entry, error) { return parseEntry(number, b) }
