package lab

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/lab/netns"
)

// sysctlPath is the file of a sysctl. Only net.* is per namespace: anything
// else would change the machine. As in sysctl(8), whichever of '.' and '/'
// comes first separates, and the other stands for a '.' in a name.
func sysctlPath(key string) (string, error) {
	path := key
	if i := strings.IndexAny(key, "./"); i >= 0 && key[i] == '.' {
		path = strings.Map(func(r rune) rune {
			switch r {
			case '.':
				return '/'
			case '/':
				return '.'
			}
			return r
		}, key)
	}
	parts := strings.Split(path, "/")
	if len(parts) < 2 || parts[0] != "net" {
		return "", fmt.Errorf("%s: a node has only the sysctls under net; others would change this machine", key)
	}
	for _, part := range parts {
		if part == "" || part == "." || part == ".." {
			return "", fmt.Errorf("%s: not the name of a sysctl", key)
		}
	}
	return "/proc/sys/" + path, nil
}

// setSysctls sets what it can inside a node. Where late is nil a sysctl that
// is not there fails; else it goes into late, because the interface that it
// names may still come.
func setSysctls(node *netns.Namespace, sysctls map[string]string, late map[string]string) error {
	return node.Do(func() error {
		for _, key := range slices.Sorted(maps.Keys(sysctls)) {
			path, err := sysctlPath(key)
			if err != nil {
				return err
			}
			switch err := os.WriteFile(path, []byte(sysctls[key]), 0o644); {
			case err == nil:
			case errors.Is(err, os.ErrNotExist) && late != nil:
				late[key] = sysctls[key]
			case errors.Is(err, os.ErrNotExist):
				return fmt.Errorf("sysctl %s: this kernel has no such sysctl in a network namespace", key)
			default:
				return fmt.Errorf("sysctl %s=%s: %w", key, sysctls[key], err)
			}
		}
		return nil
	})
}
