package pki

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOperators(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.dir, "operator.token")
	for range 2 {
		if err := w.FirstOperator(t.Context(), "admin", file); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
	first := strings.TrimSpace(string(text))
	second, err := w.CreateOperator(t.Context(), "mika")
	if err != nil {
		t.Fatal(err)
	}
	for bearer, want := range map[string]string{first: "admin", second.Reveal(): "mika"} {
		if name, err := w.Operator(t.Context(), bearer); err != nil || name != want {
			t.Errorf("%s is %q, %v", bearer, name, err)
		}
	}
	for _, bad := range []string{"", "kro", "kro__", "kro_0_0", first + "A", first[:len(first)-1],
		strings.Replace(first, "kro", "kr1", 1), first[:20] + second.Reveal()[20:]} {
		_, err := w.Operator(t.Context(), bad)
		wantRefusal(t, err, "credential")
	}
	operators, err := w.Operators(t.Context())
	if err != nil || len(operators) != 2 {
		t.Fatalf("%+v, %v", operators, err)
	}
	for _, o := range operators {
		if strings.Contains(first+second.Reveal(), string(o.Hash)) {
			t.Error("the secret is stored")
		}
		if err := w.DeleteOperator(t.Context(), o.ID); err != nil {
			t.Fatal(err)
		}
	}
	_, err = w.Operator(t.Context(), first)
	wantRefusal(t, err, "unknown")
}
