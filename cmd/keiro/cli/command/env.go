// Package command is what all commands of the command line share: the world
// they run in, their flags, exit codes and progress. It knows nothing of paths
// and prints no data. Package cli and its subpackages call it.
package command

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// Env is the world that a command runs in. Commands use it instead of package
// os, so that tests can give them another one.
type Env struct {
	Stdin     io.Reader
	Stdout    io.Writer
	Stderr    io.Writer
	LookupEnv func(name string) (value string, set bool)
	// Terminal and ErrTerminal: stdout and stderr are read by a human as it
	// is written. Progress goes to stderr, and only where ErrTerminal.
	Terminal, ErrTerminal bool
	// Size is that of the terminal, in columns and rows.
	Size func() (width, height int)
	Now  func() time.Time
	// Args is the command line without the program's name.
	Args []string

	stdin []byte // all of Stdin, once read
}

// OS is the process's own world.
func OS() *Env {
	return &Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv,
		Terminal:    term.IsTerminal(int(os.Stdout.Fd())),
		ErrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		Size:        size, Now: time.Now, Args: os.Args[1:],
	}
}

func size() (width, height int) {
	width, height, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 80, 24
	}
	return width, height
}

// Printer writes data to stdout. Colour: no-color.org.
func (e *Env) Printer() output.Printer {
	return output.Printer{Out: e.Stdout, Colour: e.Terminal && e.Getenv("NO_COLOR") == "" && e.Getenv("TERM") != "dumb"}
}

// Getenv is as os.Getenv.
func (e *Env) Getenv(name string) string {
	value, _ := e.LookupEnv(name)
	return value
}

// Read returns a file, or all of stdin for `-`, and its name for messages. Two
// flags may both name stdin: they see the same bytes. What is longer than any
// parser takes is refused.
func (e *Env) Read(path string) (name string, data []byte, err error) {
	if path == "-" {
		if e.stdin == nil {
			e.stdin, err = readBounded("stdin", e.Stdin)
		}
		return "stdin", e.stdin, err
	}
	f, err := os.Open(path)
	if err != nil {
		return path, nil, err // names the file
	}
	defer f.Close()
	data, err = readBounded(path, f)
	return path, data, err
}

func readBounded(name string, r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, strictyaml.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > strictyaml.MaxBytes {
		return nil, fmt.Errorf("%s: too large: the limit is %d MiB", name, strictyaml.MaxBytes>>20)
	}
	return data, nil
}
