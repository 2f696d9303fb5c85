package policy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tandem-lb/tandem"

// source is one Go file of the module, parsed.
type source struct {
	pkg  string // import path below the module, "vrrp"
	name string // path below the module's root, "vrrp/machine.go"
	file *ast.File
	fset *token.FileSet
}

// test says whether the file serves tests alone: those, and the packages of harnesses (viptest, proxytest).
func (s source) test() bool {
	return strings.HasSuffix(s.name, "_test.go") || strings.HasSuffix(s.pkg, "test")
}

// sources parses every Go file of the module.
func sources(t *testing.T) []source {
	t.Helper()
	root := filepath.Join("..", "..")
	var all []source
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || (strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2)) {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(p) != ".go" {
			return nil
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, p, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		all = append(all, source{pkg: path.Dir(name), name: name, file: file, fset: fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("found only %d Go files: is this the module's root?", len(all))
	}
	return all
}

func imports(s source) []string {
	var paths []string
	for _, spec := range s.file.Imports {
		p, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
		paths = append(paths, p)
	}
	return paths
}

func TestImportsKeepTheStar(t *testing.T) {
	used := map[string]map[string]bool{}
	for _, s := range sources(t) {
		allowed, ok := allowedImports[s.pkg]
		if !ok {
			t.Errorf("%s: package %s is not in the table of allowed imports", s.name, s.pkg)
			continue
		}
		if used[s.pkg] == nil {
			used[s.pkg] = map[string]bool{}
		}
		if strings.HasSuffix(s.name, "_test.go") {
			continue
		}
		for _, p := range imports(s) {
			inside, ok := strings.CutPrefix(p, module+"/")
			if !ok {
				continue
			}
			used[s.pkg][inside] = true
			if !slices.Contains(allowed, inside) {
				t.Errorf("%s imports %s, which the table does not allow to package %s", s.name, inside, s.pkg)
			}
		}
	}
	for pkg, allowed := range allowedImports {
		if used[pkg] == nil {
			t.Errorf("the table names package %s, which does not exist", pkg)
		}
		for _, p := range allowed {
			if used[pkg] != nil && !used[pkg][p] {
				t.Errorf("the table allows %s to import %s, which it does not", pkg, p)
			}
		}
	}
}

func TestLibrariesAreThoseOfTheDesign(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		for _, p := range imports(s) {
			first, _, _ := strings.Cut(p, "/")
			if !strings.Contains(first, ".") || strings.HasPrefix(p, module) {
				continue
			}
			if !slices.ContainsFunc(libraries, func(l string) bool { return p == l || strings.HasPrefix(p, l+"/") }) {
				t.Errorf("%s imports %s, a library that the design does not name", s.name, p)
			}
		}
	}
}

// clockCalls are the calls that make code depend on when it runs.
var clockCalls = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

func TestClocksAndGoroutinesOnlyWhereALoopLives(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			what := ""
			switch n := n.(type) {
			case *ast.GoStmt:
				what = "a go statement"
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				switch {
				case ok && x.Name == "time" && slices.Contains(clockCalls, n.Sel.Name):
					what = "time." + n.Sel.Name
				case n.Sel.Name == "Go": // of a sync.WaitGroup
					what = "a goroutine"
				}
			}
			if what == "" {
				return true
			}
			seen[s.name] = true
			if !slices.Contains(loopFiles, s.name) {
				t.Errorf("%s: %s outside the files that do I/O or own a loop", s.fset.Position(n.Pos()), what)
			}
			return true
		})
	}
	for _, name := range loopFiles {
		if !seen[name] {
			t.Errorf("the list of loop files names %s, which reads no clock and starts no goroutine", name)
		}
	}
}

func TestUnsafeAndRawSyscallsOnlyInLinuxFiles(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() || strings.HasSuffix(s.name, "_linux.go") {
			continue
		}
		for _, p := range imports(s) {
			if p == "unsafe" {
				t.Errorf("%s imports unsafe; only *_linux.go files may", s.name)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if strings.HasPrefix(sel.Sel.Name, "RawSyscall") || sel.Sel.Name == "Syscall" || sel.Sel.Name == "Syscall6" {
				t.Errorf("%s: a raw system call outside a *_linux.go file", s.fset.Position(n.Pos()))
			}
			return true
		})
	}
}

// A tls.Config that has a KeyLogWriter writes down the keys of every session. Nobody sets one, by accident or otherwise;
// proxy/secure alone names the field, to refuse it.
func TestNobodyWritesDownSessionKeys(t *testing.T) {
	refused := false
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok || id.Name != "KeyLogWriter" {
				return true
			}
			if s.name != "proxy/secure/conn.go" {
				t.Errorf("%s: names KeyLogWriter", s.fset.Position(n.Pos()))
			}
			refused = true
			return true
		})
	}
	if !refused {
		t.Error("proxy/secure does not refuse a KeyLogWriter any more")
	}
}

func TestNoPackageRegistersInInit(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: an init function", s.fset.Position(f.Pos()))
			}
		}
	}
}

// maxLines is the hard limit of a file; most stay below 400.
const maxLines = 600

func TestFilesStayReadable(t *testing.T) {
	for _, s := range sources(t) {
		if lines := s.fset.Position(s.file.End()).Line; lines > maxLines && !s.test() {
			t.Errorf("%s has %d lines, at most %d: one idea a file", s.name, lines, maxLines)
		}
	}
}
