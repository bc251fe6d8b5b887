// Command keiro is the operator's command line: it computes and verifies path
// sets offline, talks to a controller, and runs labs. All of it is in package
// cli.
package main

import (
	"os"

	"github.com/keiro-net/keiro/cmd/keiro/cli"
)

func main() { os.Exit(cli.Run(cli.OS(), os.Args[1:])) }
