// Package durable writes the files of an agent that must outlive a crash of
// the machine. It knows nothing of what is in them. All of package agent and
// below call it.
package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// Write replaces a file, so that after a crash there is the old one or the new
// one, and nobody else may read it. It makes the directory. Of one file there
// must be one writer at a time.
func Write(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := write(path+".new", data); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		_ = os.Remove(path + ".new")
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func write(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = f.Chmod(0o600) // one that a crash left may have other rights
	if err == nil {
		_, err = f.Write(data)
	}
	return errors.Join(err, f.Sync(), f.Close())
}
