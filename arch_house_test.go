package sotto_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "sotto"

// file is one parsed Go file; its paths are relative to the root of the module.
type file struct {
	path, dir string
	test      bool
	tree      *ast.File
}

// house is all Go files of the module.
type house []file

// dirs are the folders that have Go files, sorted.
func (h house) dirs() []string {
	var dirs []string
	for _, f := range h {
		dirs = append(dirs, f.dir)
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

func (f file) imports() []string {
	var paths []string
	for _, spec := range f.tree.Imports {
		if imported, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, imported)
		}
	}
	return paths
}

// readHouse reads the module below root. It uses os.ReadDir and os.ReadFile
// here in the test, and no other process, so that the go command sees what the
// test depends on and does not reuse a pass from before a change.
func readHouse(t *testing.T, root string) house {
	t.Helper()
	var h house
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil {
			t.Fatal(err)
		}
		if dir != "." && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "go.mod" }) {
			return // a module of its own, such as tools
		}
		for _, entry := range entries {
			name := path.Join(dir, entry.Name())
			switch {
			case entry.IsDir() && skipped(entry.Name()):
			case entry.IsDir():
				walk(name)
			case strings.HasSuffix(name, ".go"):
				text, err := os.ReadFile(filepath.Join(root, name))
				if err != nil {
					t.Fatal(err)
				}
				h = append(h, parse(t, name, string(text)))
			}
		}
	}
	walk(".")
	return h
}

// skipped folders are those that the go command skips as well.
func skipped(name string) bool {
	return name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

func parse(t *testing.T, name, text string) file {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return file{path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), tree: tree}
}

// uses lists the named things of these packages that the file speaks of.
func (f file) uses(names map[string][]string) (breaches []string) {
	local := map[string]string{}
	for _, spec := range f.tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(imported)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		local[name] = imported
	}
	ast.Inspect(f.tree, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := selector.X.(*ast.Ident)
		if ok && x.Obj == nil && slices.Contains(names[local[x.Name]], selector.Sel.Name) {
			breaches = append(breaches, fmt.Sprintf("%s uses %s.%s", f.path, local[x.Name], selector.Sel.Name))
		}
		return true
	})
	return breaches
}

// importsAny lists the imports that are among these paths.
func (f file) importsAny(lists ...[]string) (breaches []string) {
	for _, imported := range f.imports() {
		for _, banned := range slices.Concat(lists...) {
			if imported == banned || strings.HasSuffix(banned, "/") && strings.HasPrefix(imported, banned) {
				breaches = append(breaches, fmt.Sprintf("%s imports %s", f.path, imported))
			}
		}
	}
	return breaches
}

func (f file) goroutines() (breaches []string) {
	ast.Inspect(f.tree, func(n ast.Node) bool {
		if _, ok := n.(*ast.GoStmt); ok {
			breaches = append(breaches, f.path+" starts a goroutine")
		}
		return true
	})
	return breaches
}
