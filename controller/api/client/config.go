package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Config says where a controller is and how to be let in. The controller
// writes one as JSON at its first start; operators copy it.
type Config struct {
	Server    string `json:"server"`       // URL, such as https://127.0.0.1:7443
	CA        string `json:"ca,omitempty"` // PEM file; "": the system's authorities
	TokenFile string `json:"tokenFile"`    // its content is the bearer token
}

// The environment variables that say where the controller is. The last three
// override what the file says.
const (
	EnvConfig    = "KEIRO_CONFIG" // the file
	EnvServer    = "KEIRO_SERVER"
	EnvCA        = "KEIRO_CA"
	EnvTokenFile = "KEIRO_TOKEN_FILE"
)

// ErrNoController says that nothing in the environment names a controller.
var ErrNoController = errors.New("no controller is known")

// Find returns the Config of the environment: the file that KEIRO_CONFIG
// names, or else keiro/client.json in the user's configuration directory, if
// it is there, with KEIRO_SERVER, KEIRO_CA and KEIRO_TOKEN_FILE over it. The error is
// ErrNoController where none of these is there.
func Find(getenv func(string) string) (Config, error) {
	var cfg Config
	file, named := getenv(EnvConfig), true
	if file == "" {
		if dir, err := os.UserConfigDir(); err == nil {
			file, named = filepath.Join(dir, "keiro", "client.json"), false
		}
	}
	if file != "" {
		found, err := ReadConfig(file)
		if err != nil && (named || !errors.Is(err, fs.ErrNotExist)) {
			return cfg, err
		}
		cfg = found
	}
	for name, field := range map[string]*string{EnvServer: &cfg.Server, EnvCA: &cfg.CA, EnvTokenFile: &cfg.TokenFile} {
		if value := getenv(name); value != "" {
			*field = value
		}
	}
	if cfg.Server == "" {
		return cfg, fmt.Errorf("%w: set %s to its client.json, or %s and %s", ErrNoController, EnvConfig, EnvServer, EnvTokenFile)
	}
	return cfg, nil
}

// ReadConfig reads a Config. Relative file names in it count from its own
// directory.
func ReadConfig(file string) (Config, error) {
	var cfg Config
	text, err := readSmall(file)
	if err != nil {
		return cfg, fmt.Errorf("read the client configuration: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&cfg); err != nil {
		return cfg, fmt.Errorf("read the client configuration %s: %w", file, err)
	}
	for _, name := range []*string{&cfg.CA, &cfg.TokenFile} {
		if *name != "" && !filepath.IsAbs(*name) {
			*name = filepath.Join(filepath.Dir(file), *name)
		}
	}
	return cfg, nil
}

// Write writes the Config, readable by its owner only, in place of what is
// there.
func (cfg Config) Write(file string) error {
	text, err := json.MarshalIndent(cfg, "", "  ")
	if err != nil {
		return fmt.Errorf("write the client configuration: %w", err)
	}
	if err := os.WriteFile(file+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the client configuration: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("write the client configuration: %w", err)
	}
	return nil
}

func readToken(file string) (string, error) {
	if file == "" {
		return "", fmt.Errorf("no token: set %s to the file that holds it", EnvTokenFile)
	}
	text, err := readSmall(file)
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("read the token: %s does not hold one token", file)
	}
	return token, nil
}

// readSmall reads a file of at most 1 MiB, so that a wrong name does no harm.
func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20+1))
	if err == nil && len(text) > 1<<20 {
		err = fmt.Errorf("%s is larger than 1 MiB", name)
	}
	return text, err
}
