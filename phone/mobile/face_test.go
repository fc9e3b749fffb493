package mobile

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// Everything exported here can cross a language's border: gobind takes strings,
// booleans, floats, integers but for unsigned ones above a byte, byte slices,
// errors, and this package's own structs behind a pointer and interfaces
// (golang.org/x/mobile/cmd/gobind, "Type restrictions"). A function gives one
// result, or one and an error.
func TestFaceCanBeBound(t *testing.T) {
	var files []*ast.File
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		source, err := os.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), source, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	b := border{structs: map[string]bool{}, interfaces: map[string]bool{}}
	for _, f := range files {
		b.declare(f)
	}
	for _, f := range files {
		b.check(f)
	}
	for _, wrong := range b.wrong {
		t.Error(wrong)
	}
	if b.looked < 25 || len(b.structs) < 4 || len(b.interfaces) < 2 {
		t.Errorf("only %d types were looked at", b.looked)
	}
}

// The test above would find what cannot be bound.
func TestFaceThatCannotBeBoundIsFound(t *testing.T) {
	for _, source := range []string{
		"type T struct { N uint64 }", "type T struct { All []string }", "type T map[string]int", "type T interface { error }",
		"func F(c chan int) {}", "func F(f func()) {}", "func F() (int, string) { return 0, \"\" }", "func F() (int, int, error) { return 0, 0, nil }",
		"func F(many ...string) {}", "type S struct{}\nfunc (S) M(t time.Duration) {}", "func F(x *X) {}",
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nimport \"time\"\n"+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		b := border{structs: map[string]bool{}, interfaces: map[string]bool{}}
		b.declare(f)
		b.check(f)
		if len(b.wrong) == 0 {
			t.Errorf("%s: nothing was found", source)
		}
	}
}

type border struct {
	structs, interfaces map[string]bool
	looked              int
	wrong               []string
}

func (b *border) declare(f *ast.File) {
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || !spec.Name.IsExported() {
			return true
		}
		switch spec.Type.(type) {
		case *ast.StructType:
			b.structs[spec.Name.Name] = true
		case *ast.InterfaceType:
			b.interfaces[spec.Name.Name] = true
		}
		return true
	})
}

func (b *border) check(f *ast.File) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || b.exported(d.Recv)) {
				b.function(d.Name.Name, d.Type)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if spec, ok := s.(*ast.TypeSpec); ok && spec.Name.IsExported() {
					b.typ(spec)
				}
			}
		}
	}
}

func (b *border) exported(receiver *ast.FieldList) bool {
	t := receiver.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	name, ok := t.(*ast.Ident)
	return ok && name.IsExported()
}

func (b *border) typ(spec *ast.TypeSpec) {
	switch t := spec.Type.(type) {
	case *ast.StructType:
		for _, f := range t.Fields.List {
			for _, name := range f.Names {
				if name.IsExported() {
					b.value(spec.Name.Name+"."+name.Name, f.Type)
				}
			}
		}
	case *ast.InterfaceType:
		for _, m := range t.Methods.List {
			f, ok := m.Type.(*ast.FuncType)
			if !ok {
				b.wrong = append(b.wrong, spec.Name.Name+" embeds another interface")
				continue
			}
			b.function(spec.Name.Name+"."+m.Names[0].Name, f)
		}
	default:
		b.wrong = append(b.wrong, spec.Name.Name+" is neither struct nor interface")
	}
}

func (b *border) function(name string, f *ast.FuncType) {
	for _, p := range f.Params.List {
		b.value(name, p.Type)
	}
	if f.Results == nil {
		return
	}
	results := f.Results.List
	if n := len(results); n > 2 || n == 2 && fmt.Sprint(results[1].Type) != "error" {
		b.wrong = append(b.wrong, name+" gives more than a result and an error")
	}
	for _, r := range results {
		b.value(name, r.Type)
	}
}

var bindable = map[string]bool{
	"string": true, "bool": true, "byte": true, "int": true, "int8": true, "int16": true, "int32": true, "int64": true,
	"float32": true, "float64": true, "error": true,
}

func (b *border) value(where string, t ast.Expr) {
	b.looked++
	switch t := t.(type) {
	case *ast.Ident:
		if bindable[t.Name] || b.interfaces[t.Name] {
			return
		}
	case *ast.ArrayType:
		if element, ok := t.Elt.(*ast.Ident); ok && t.Len == nil && element.Name == "byte" {
			return
		}
	case *ast.StarExpr:
		if name, ok := t.X.(*ast.Ident); ok && b.structs[name.Name] {
			return
		}
	}
	b.wrong = append(b.wrong, fmt.Sprintf("%s has a %T that cannot be bound", where, t))
}
