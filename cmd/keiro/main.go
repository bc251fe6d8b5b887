// Command keiro is the operator's command line: it computes and verifies path
// sets offline, talks to a controller, and runs labs. All of it is in package
// cli.
package main

import (
	"os"

	"github.com/keiro-net/keiro/cmd/keiro/cli"
	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/lab/rootless"
)

func main() {
	rootless.Hook() // a lab of an ordinary user: this process may be there to hold it
	os.Exit(cli.Run(command.OS()))
}
