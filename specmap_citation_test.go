package sotto_test

import (
	"regexp"
	"strconv"
	"strings"
)

// standards are the ways in which comments name a standard, and the one way in
// which a clause is kept here.
var standards = []struct {
	spelling *regexp.Regexp
	name     string
}{
	{regexp.MustCompile(`(?:\bEMV (?:4\.4 )?)?\bBook ([1-4])\b`), "EMV Book $1"},
	{regexp.MustCompile(`(?:\bEMV Contactless )?\bBook ([ABC](?:-\d)?)\b(?: 2\.11)?`), "EMV Contactless Book $1"},
	{regexp.MustCompile(`\bEMV (?:CPS|Card Personalization Specification)\b(?: 1\.1)?`), "EMV CPS"},
	{regexp.MustCompile(`\bJR/T 0025(\.\d+)?(?:-2013)?`), "JR/T 0025$1"},
	{regexp.MustCompile(`\bISO(?:/IEC)? (\d+(?:-\d+)?)(?::\d{4})?`), "ISO/IEC $1"},
	{regexp.MustCompile(`(?:\bGlobalPlatform )?\bCard Specification 2\.3(?:\.1)?|\bGPCS 2\.3(?:\.1)?`), "GlobalPlatform Card Specification"},
	{regexp.MustCompile(`(?:\bGlobalPlatform )?\bAmendment D\b`), "GlobalPlatform Amendment D"},
	{regexp.MustCompile(`\bPC/SC (?:2\.01\.14, )?Part (\d+)`), "PC/SC Part $1"},
	{regexp.MustCompile(`(?:\bNIST )?\bSP (800-\d+[A-Z]?)`), "NIST SP $1"},
	{regexp.MustCompile(`\bRFC (\d+)`), "RFC $1"},
	{regexp.MustCompile(`\bPCI DSS\b`), "PCI DSS"},
}

// What stands behind the name of a standard: "6.5.8", "Annex C5", "A1.4", "table
// 45", "5.3 steps 1 to 7"; and what may join it to the next.
var (
	clauseItem = regexp.MustCompile(`^(?:(?i:(table|annex|section|clause)(?:e?s)?) )?([A-H]?[\d.-]*\d|[A-H])\b`)
	clauseStep = regexp.MustCompile(`^,? steps? \w+(?: (?:to|and) \w+)?`)
	clauseJoin = regexp.MustCompile(`^(,| and| to) `)
	// bareClause is where a number may stand whose standard the reader knows.
	bareClause = regexp.MustCompile(`^\(?|\(|Reading: `)
)

// readClauses reads a list of clauses from the beginning of text. A number
// without a full stop behind a comma is a step, and not taken.
func readClauses(text string) (clauses []string) {
	word, join := "", ""
	for {
		m := clauseItem.FindStringSubmatch(text)
		if m == nil {
			return clauses
		}
		if m[1] != "" {
			word = strings.ToLower(m[1])
		}
		plain := strings.Trim(m[2], "0123456789") == ""
		switch {
		case word != "annex" && len(m[2]) == 1 && !plain:
			return clauses // a capital letter is only an annex if it is called one
		case word != "table" && strings.Contains(m[2], "-"):
			return clauses
		case join == "," && plain && m[1] == "":
			return clauses
		}
		name := m[2]
		if word == "table" {
			name = "table " + name
		}
		if join == " to" {
			clauses = append(clauses, between(clauses[len(clauses)-1], name)...)
		}
		clauses = append(clauses, name)
		text = text[len(m[0]):]
		text = text[len(clauseStep.FindString(text)):]
		next := clauseJoin.FindStringSubmatch(text)
		if next == nil {
			return clauses
		}
		join, text = next[1], text[len(next[0]):]
	}
}

// between are the clauses between two of which the last number differs.
func between(first, last string) (names []string) {
	at := strings.LastIndexAny(last, ". ") + 1
	from, err1 := strconv.Atoi(strings.TrimPrefix(first, last[:at]))
	to, err2 := strconv.Atoi(last[at:])
	if err1 != nil || err2 != nil {
		return nil
	}
	for n := from + 1; n < to; n++ {
		names = append(names, last[:at]+strconv.Itoa(n))
	}
	return names
}

// citation is one clause of one standard; the standard as a whole has clause "".
type citation struct{ standard, clause string }

func (c citation) String() string {
	if c.clause == "" {
		return c.standard
	}
	return c.standard + ", " + c.clause
}

// citations are the clauses that a text names, and bare those of which it says
// the number alone.
func citations(text string) (named []citation, bare []string) {
	for _, s := range standards {
		for _, at := range s.spelling.FindAllStringSubmatchIndex(text, -1) {
			name := string(s.spelling.ExpandString(nil, s.name, text, at))
			clauses := readClauses(strings.TrimPrefix(strings.TrimPrefix(text[at[1]:], ","), " "))
			if len(clauses) == 0 {
				clauses = []string{""}
			}
			for _, clause := range clauses {
				named = append(named, citation{name, clause})
			}
		}
	}
	for _, at := range bareClause.FindAllStringIndex(text, -1) {
		clauses := readClauses(text[at[1]:])
		if len(clauses) > 0 && strings.ContainsAny(clauses[0], ".-") {
			bare = append(bare, clauses...)
		}
	}
	return named, bare
}
