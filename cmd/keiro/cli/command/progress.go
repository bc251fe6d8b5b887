package command

import (
	"fmt"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
)

// Progress is one line on stderr that says how far long work is. Where nobody
// watches stderr it says nothing.
type Progress struct {
	env   *Env
	shown bool
}

// Progress begins one. Its user ends it with Clear before it prints.
func (e *Env) Progress() *Progress { return &Progress{env: e} }

// Say writes the line anew.
func (p *Progress) Say(format string, args ...any) {
	if !p.env.ErrTerminal {
		return
	}
	width, _ := p.env.Size()
	p.shown = true
	// EL, ECMA-48 section 8.3.41
	fmt.Fprintf(p.env.Stderr, "\r\x1b[K%s", output.Clip(fmt.Sprintf(format, args...), width-1))
}

// Clear takes the line away.
func (p *Progress) Clear() {
	if p.shown {
		fmt.Fprint(p.env.Stderr, "\r\x1b[K")
		p.shown = false
	}
}
