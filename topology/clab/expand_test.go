package clab

import (
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	env := map[string]string{"A": "a", "EMPTY": "", "経": "路"}
	for in, want := range map[string]string{
		``:                  ``,
		`$A ${A}b $Ab`:      `a ab $Ab`,
		`$EMPTY ${EMPTY}`:   `$EMPTY ${EMPTY}`,
		`$NO ${NO}`:         `$NO ${NO}`,
		`${NO:-d} ${NO:=d}`: `d d`,
		`${NO-d} ${NO=d}`:   `d d`,
		`${A:-d} ${A-d}`:    `a a`,
		`${EMPTY:-d}`:       `d`,
		`${EMPTY-d}`:        `${EMPTY-d}`,
		`${A+d}${A:+d}`:     `dd`,
		`${NO+d}${NO:+d}`:   ``,
		`${NO:-}`:           ``,
		`${NO:-$A}`:         `a`,
		`${NO:-$NO}`:        `$NO`,
		`${NO:-x$A}`:        `x$A`,
		`${NO:-a:b-c =}`:    `a:b-c =`,
		`$$A $${A} $$$A`:    `$A ${A} $a`,
		`$1 ${1} $_ ${_} $`: `$1 ${1} $_ ${_} $`,
		`${} $( $-`:         `${} $( $-`,
		`$_A`:               `$_A`,
		`$経`:                `路`,
	} {
		got, errs := expand("t", []byte(in), func(name string) (string, bool) { v, ok := env[name]; return v, ok })
		if string(got) != want || len(errs) > 0 {
			t.Errorf("%s: got %s, want %s (%v)", in, got, want, errs)
		}
	}
}

// A variable that is longer than its name may stand in a file many times.
func TestExpandIsBounded(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	_, errs := expand("t", []byte(strings.Repeat("$A ", 1000)), func(string) (string, bool) { return long, true })
	if len(errs) != 1 || errs[0].Error() != "t:1: variables expand to more than the limit of a file" {
		t.Errorf("got %v", errs)
	}
}
