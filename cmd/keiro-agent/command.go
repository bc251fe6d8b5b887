package main

import (
	"os"

	"github.com/keiro-net/keiro/agent/lane/helper"
)

// command runs what the first word asks for that is no flag; ok is false
// where there is none, and the agent itself is meant.
func command(args []string) (ok bool, err error) {
	if len(args) == 0 {
		return false, nil
	}
	switch args[0] {
	case "lane":
		return true, helper.Main(args[1:])
	case "floor":
		return true, floorCommand(args[1:], os.Stdout, os.Stderr)
	case "status":
		return true, statusCommand(args[1:], os.Stdout, os.Stderr)
	}
	return false, nil
}
