package sotto_test

import (
	"fmt"
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// specDirs are the packages that the map is about: the code of the tap.
var specDirs = []string{
	"tlv", "apdu", "isomac", "emv", "emv/oda", "emv/cps", "scp03", "sim", "sim/host", "pos",
	"bank", "bank/issuer", "bankapi", "link", "link/vpcd", "link/pcsc",
}

// ofTheTap reports whether the citations of a file are looked at. The bank has
// much beside the tap: of it, those that speak EMV.
func (f file) ofTheTap() bool {
	tap := f.dir != "bank" && f.dir != "bankapi"
	for _, imported := range f.imports() {
		tap = tap || imported == module+"/emv"
	}
	return tap && !f.test
}

// mapRow is one clause of docs/spec-map.md, or a few that belong together.
type mapRow struct {
	line         int
	clauses      []citation
	where, tests []string // what stands in back quotes in these columns
	remark       string   // reading or deviation
}

// specMap is the page.
type specMap struct {
	rows   []mapRow
	beside []string // what stands in back quotes outside of the rows
	faults []string // rows that cannot be read
	exists func(path string) bool
}

var backQuoted = regexp.MustCompile("`([^`]+)`")

func quotedIn(text string) (names []string) {
	for _, m := range backQuoted.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

// readMap reads the tables whose first column is called "clause". A number alone
// is a clause of the standard that the heading above names.
func readMap(text string, exists func(path string) bool) specMap {
	m := specMap{exists: exists}
	standard, inside := "", false
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "## ") {
			standard = ""
			if named, _ := citations(line); len(named) > 0 {
				standard = named[0].standard
			}
		}
		begins := strings.HasPrefix(line, "| clause |")
		inside = begins || inside && strings.HasPrefix(line, "|")
		switch {
		case !inside:
			m.beside = append(m.beside, quotedIn(line)...)
		case !begins && !strings.HasPrefix(line, "|--"):
			m.add(i+1, standard, line)
		}
	}
	return m
}

// add reads one row of five columns.
func (m *specMap) add(number int, standard, line string) {
	cells := strings.Split(line, "|")
	if len(cells) != 7 { // what stands before the first and behind the last is one too
		m.faults = append(m.faults, fmt.Sprintf("line %d: a row has five columns", number))
		return
	}
	row := mapRow{line: number, where: quotedIn(cells[3]), tests: quotedIn(cells[4]), remark: strings.TrimSpace(cells[5])}
	row.clauses, _ = citations(cells[1])
	if len(row.clauses) == 0 && standard != "" {
		for _, clause := range readClauses(strings.TrimSpace(cells[1])) {
			row.clauses = append(row.clauses, citation{standard, clause})
		}
	}
	if len(row.clauses) == 0 || len(row.where) == 0 || len(row.tests) == 0 {
		m.faults = append(m.faults, fmt.Sprintf("line %d: a row names a clause, where it is, and its test", number))
	}
	m.rows = append(m.rows, row)
}

// declared are the names of a declaration, as the map writes them but for the
// package.
func declared(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return []string{receiver(d) + d.Name.Name}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			names = append(names, specified(spec)...)
		}
	}
	return names
}

func specified(spec ast.Spec) (names []string) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		return []string{s.Name.Name}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

// besides are the comments above and behind a line of a group.
func besides(spec ast.Spec) []*ast.CommentGroup {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		return []*ast.CommentGroup{s.Doc, s.Comment}
	case *ast.ValueSpec:
		return []*ast.CommentGroup{s.Doc, s.Comment}
	}
	return nil
}

func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	of := d.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name + "."
	}
	return ""
}

// about are the declared names that a comment is about.
func (f file) about(comment *ast.CommentGroup) []string {
	for _, d := range f.tree.Decls {
		from := d.Pos()
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Doc != nil {
				from = d.Doc.Pos()
			}
		case *ast.GenDecl:
			if d.Doc != nil {
				from = d.Doc.Pos()
			}
		}
		if comment.Pos() < from || comment.Pos() >= d.End() {
			continue
		}
		if group, ok := d.(*ast.GenDecl); ok {
			for _, spec := range group.Specs {
				if comment.Pos() >= spec.Pos() && comment.Pos() < spec.End() || slices.Contains(besides(spec), comment) {
					return specified(spec)
				}
			}
		}
		return declared(d)
	}
	return nil
}

func oneLine(comment *ast.CommentGroup) string {
	return strings.Join(strings.Fields(comment.Text()), " ")
}

// vocabulary is all that the map can name: things of packages, and tests.
type vocabulary struct{ packages, things, tests map[string]bool }

func (h house) vocabulary() vocabulary {
	v := vocabulary{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	for _, f := range h {
		name := path.Base(f.dir)
		v.packages[name] = true
		for _, d := range f.tree.Decls {
			for _, thing := range declared(d) {
				if f.test && isTest.MatchString(thing) {
					v.tests[name+"."+thing] = true
				} else if !f.test {
					v.things[name+"."+thing] = true
				}
			}
		}
	}
	return v
}

var isTest = regexp.MustCompile(`^(?:Test|Fuzz|Example)`)

type mapRule struct {
	name  string
	check func(specMap, house) []string
}

var mapRules = []mapRule{
	{"every row can be read", func(m specMap, _ house) []string { return m.faults }},
	{"what the map names is there", namesAreThere},
	{"every clause that is cited has a row", citationsHaveRows},
	{"every reading has a row", readingsHaveRows},
}

func namesAreThere(m specMap, h house) (breaches []string) {
	v := h.vocabulary()
	missing := func(line int, name, what string) {
		breaches = append(breaches, fmt.Sprintf("line %d: %s is no %s", line, name, what))
	}
	for _, row := range m.rows {
		for _, name := range row.where {
			if !v.things[name] {
				missing(row.line, name, "function, type, constant or variable")
			}
		}
		for _, name := range row.tests {
			if strings.Contains(name, "/") {
				if !m.exists(name) {
					missing(row.line, name, "file")
				}
			} else if !v.tests[name] {
				missing(row.line, name, "test")
			}
		}
	}
	for _, name := range m.beside {
		of, _, dotted := strings.Cut(name, ".")
		if dotted && v.packages[of] && !v.things[name] && !v.tests[name] {
			breaches = append(breaches, name+" is not there")
		}
	}
	return breaches
}

func citationsHaveRows(m specMap, h house) (breaches []string) {
	rows := map[citation]bool{}
	for _, row := range m.rows {
		for _, c := range row.clauses {
			rows[c], rows[citation{c.standard, ""}] = true, true
		}
	}
	speaks := map[string][]string{} // which standards a package cites by name
	var later []func()
	for _, f := range h {
		if !f.ofTheTap() {
			continue
		}
		for _, comment := range f.tree.Comments {
			named, bare := citations(oneLine(comment))
			for _, c := range named {
				speaks[f.dir] = append(speaks[f.dir], c.standard)
				if !rows[c] {
					breaches = append(breaches, fmt.Sprintf("%s cites %s, which has no row", f.path, c))
				}
			}
			for _, clause := range bare {
				later = append(later, func() {
					if !slices.ContainsFunc(speaks[f.dir], func(standard string) bool { return rows[citation{standard, clause}] }) {
						breaches = append(breaches, fmt.Sprintf("%s cites (%s), which has no row in any standard that the package names", f.path, clause))
					}
				})
			}
		}
	}
	for _, check := range later {
		check()
	}
	return breaches
}

func readingsHaveRows(m specMap, h house) (breaches []string) {
	remarked := map[string]bool{}
	for _, row := range m.rows {
		for _, name := range row.where {
			remarked[name] = remarked[name] || row.remark != ""
		}
	}
	for _, f := range h {
		if !f.ofTheTap() {
			continue
		}
		for _, comment := range f.tree.Comments {
			if !strings.Contains(comment.Text(), "Reading:") {
				continue
			}
			names := f.about(comment)
			if !slices.ContainsFunc(names, func(name string) bool { return remarked[path.Base(f.dir)+"."+name] }) {
				breaches = append(breaches, fmt.Sprintf("%s: the reading of %s has no row that tells it", f.path, strings.Join(names, ", ")))
			}
		}
	}
	return breaches
}

// readTap reads the Go files of specDirs, and of nothing below them.
func readTap(t *testing.T) (h house) {
	t.Helper()
	for _, dir := range specDirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			name := path.Join(dir, entry.Name())
			if !strings.HasSuffix(name, ".go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			h = append(h, parse(t, name, string(text)))
		}
	}
	return h
}

// docs/spec-map.md is true: it names what there is, and leaves out no clause that
// the code cites.
func TestTheMapOfClausesIsTrue(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("docs", "spec-map.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := readMap(string(text), func(path string) bool { _, err := os.Stat(path); return err == nil })
	if len(m.rows) < 150 {
		t.Errorf("%d rows were read", len(m.rows))
	}
	h := readTap(t)
	for _, r := range mapRules {
		t.Run(r.name, func(t *testing.T) {
			for _, breach := range r.check(m, h) {
				t.Error(breach)
			}
		})
	}
}
