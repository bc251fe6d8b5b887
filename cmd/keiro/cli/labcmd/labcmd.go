// Package labcmd holds the commands that run labs: containerlab files on plain
// network namespaces. They call package lab, print what it says and decide
// nothing. For an ordinary user they run once more where that user is root
// (lab/rootless). Only package cli calls it.
package labcmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/lab/rootless"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/clab"
)

// New returns the command `lab` with all below it.
func New(env *command.Env) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:   "lab",
		Short: "Run containerlab files on plain network namespaces",
		Long: `Run the linux nodes of a containerlab file as network namespaces, without docker
and without images, as root or as anybody who may make user namespaces. A lab is
named by its file; where that is gone, by its name.`,
		Example: `  keiro lab up examples/jp12.clab.yml
  keiro lab cut examples/jp12.clab.yml srlg:tokaido-duct
  keiro lab down examples/jp12.clab.yml`,
	},
		newUpCommand(env),
		newDownCommand(env),
		newStatusCommand(env),
		newExecCommand(env),
		newCutCommand(env),
		newRestoreCommand(env),
		newImpairCommand(env),
		newKMECommand(env),
	)
}

// asRoot makes run the command's action where the user is root. Only with
// start a place for that is made where there is none; without one no lab is
// up, and run says so.
func asRoot(env *command.Env, cmd *cobra.Command, start bool, run func(ctx context.Context, args []string) error) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		handled, code, err := rootless.Reexec(env.Args, start)
		switch {
		case err != nil:
			return err
		case handled:
			return command.ExitSilently(code)
		}
		return run(cmd.Context(), args)
	}
	return cmd
}

// readFile reads a containerlab file.
func readFile(env *command.Env, path string) (*clab.File, error) {
	name, data, err := env.Read(path)
	if err != nil {
		return nil, err
	}
	return clab.Parse(name, data, env.LookupEnv)
}

// labName is the name of the lab that a file describes. A word that is no file
// is a name itself.
func labName(env *command.Env, word string) (string, error) {
	file, err := readFile(env, word)
	if err == nil {
		return file.Name, nil
	}
	if errors.Is(err, fs.ErrNotExist) && topology.CheckName(word) == nil && !strings.ContainsRune(word, os.PathSeparator) {
		names, listErr := lab.List()
		if listErr != nil {
			return "", listErr
		}
		for _, name := range names {
			if name == word {
				return name, nil
			}
		}
		return "", fmt.Errorf("there is no file %s, and no lab of that name%s", word, others(names))
	}
	return "", err
}

func others(names []string) string {
	if len(names) == 0 {
		return "; no lab is up"
	}
	return "; there are: " + strings.Join(names, ", ")
}

// open finds the lab that a file or a name says.
func open(ctx context.Context, env *command.Env, word string) (*lab.Lab, error) {
	name, err := labName(env, word)
	if err != nil {
		return nil, err
	}
	l, err := lab.Open(ctx, name)
	if errors.Is(err, lab.ErrNotUp) {
		return nil, fmt.Errorf("%w; `keiro lab up %s` brings it up", err, word)
	}
	return l, err
}

// completeTargets tells the shell what can be named after the lab, read from
// its file.
func completeTargets(env *command.Env, pick func(*clab.File) []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveDefault // a file
		}
		file, err := readFile(env, args[0])
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return pick(file), cobra.ShellCompDirectiveNoFileComp
	}
}
