package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/keiro-net/keiro/agent/internal/durable"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

// configFile holds the last Config that was obeyed.
const configFile = "config.json"

// load reads the Config on disk; nil where there is none.
func load(dir string) (*nodecfg.Config, error) {
	path := filepath.Join(dir, configFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	cfg := new(nodecfg.Config)
	if err := json.Unmarshal(b, cfg); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return cfg, nil
}

// save writes a Config so that after a crash of the machine there is the old
// one or the new one.
func save(dir string, cfg *nodecfg.Config) error {
	b, err := json.Marshal(cfg)
	if err != nil {
		return err
	}
	return durable.Write(filepath.Join(dir, configFile), b)
}

// keep writes a Config to disk after it is obeyed and before that is reported.
// A disk may take longer than a repair is allowed to; an agent that dies in
// between obeys the Config before until the controller has told it again.
func (l *loop) keep(cfg *nodecfg.Config) {
	l.unkept = nil
	if err := save(l.Dir, cfg); err != nil {
		l.Log.Error("config not kept", "revision", cfg.Revision, "error", err)
		l.unkept = &nodecfg.ObjectError{Object: fmt.Sprintf("config revision %d on disk", cfg.Revision), Error: err.Error()}
	}
}
