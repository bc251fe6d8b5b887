// Package needs says what a test needs of the machine. CI has all of it, so
// there a test that lacks something fails; elsewhere it is skipped. Only tests
// and what helps them call it.
package needs

import (
	"os"
	"os/exec"
	"testing"
)

// Root lets only root go on with the test. What for completes the message:
// "to make network namespaces".
func Root(t testing.TB, what string) {
	t.Helper()
	demand(t, os.Geteuid() == 0, os.Getenv("CI") != "", "root "+what)
}

// Program lets a test go on only where a program is installed, as .ci/needs
// does in CI. What for completes the message: "to rewrite an MSS".
func Program(t testing.TB, name, what string) {
	t.Helper()
	_, err := exec.LookPath(name)
	demand(t, err == nil, os.Getenv("CI") != "", "the program "+name+" "+what)
}

func demand(t testing.TB, has, ci bool, need string) {
	t.Helper()
	switch {
	case has:
	case ci:
		t.Fatalf("needs %s; $CI says that this is CI, where no test is left out", need)
	default:
		t.Skipf("needs %s", need)
	}
}
