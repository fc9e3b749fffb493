package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The command line as its users type it: testdata/script has one story a file.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", built+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("HOME", env.WorkDir)
			// A certificate that the programs of this story trust, and nobody else.
			cert := filepath.Join(env.WorkDir, "tls.pem")
			env.Setenv("SSL_CERT_FILE", cert)
			putCertificate(t, cert, filepath.Join(env.WorkDir, "tls.key"), 1)
			return nil
		},
	})
}
