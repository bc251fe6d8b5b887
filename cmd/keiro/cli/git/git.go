// Package git reads files at revisions of a git repository, by the program git.
// It writes nothing and fetches nothing. The command `keiro gate` calls it.
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// AbsentError is that of a file that a revision does not have.
type AbsentError struct{ Revision, Path string }

func (e AbsentError) Error() string { return e.Path + " is not in " + e.Revision }

// Revisions reads BASE..HEAD, or BASE...HEAD, which begins where HEAD has left
// BASE. An empty side is HEAD. Both are checked to be commits of the repository.
func Revisions(ctx context.Context, dir, text string) (base, head string, err error) {
	base, head, found := strings.Cut(text, "..")
	if !found {
		return "", "", fmt.Errorf("--git %q: want BASE..HEAD or BASE...HEAD", text)
	}
	head, apart := strings.CutPrefix(head, ".")
	for _, side := range []*string{&base, &head} {
		if *side == "" {
			*side = "HEAD"
		}
		if _, err := run(ctx, dir, 1<<10, "rev-parse", "--verify", "--quiet", "--end-of-options", *side+"^{commit}"); err != nil {
			if _, outside := run(ctx, dir, 1<<10, "rev-parse", "--git-dir"); outside != nil {
				return "", "", fmt.Errorf("--git %s: %w", text, outside)
			}
			return "", "", fmt.Errorf("--git %s: %s is no commit of this repository; in a shallow clone it may have to be fetched first", text, *side)
		}
	}
	if apart {
		out, err := run(ctx, dir, 1<<10, "merge-base", "--end-of-options", base, head)
		if err != nil {
			return "", "", fmt.Errorf("--git %s: the two have no commit in common (in a shallow clone: fetch more of it)", text)
		}
		base = strings.TrimSpace(string(out))
	}
	return base, head, nil
}

// Show gives a file at a revision, at most limit bytes. The path counts from dir.
func Show(ctx context.Context, dir, revision, path string, limit int64) ([]byte, error) {
	if filepath.IsAbs(path) {
		return nil, fmt.Errorf("%s: want a path within the repository, relative to --repo", path)
	}
	object := revision + ":./" + filepath.ToSlash(filepath.Clean(path))
	if _, err := run(ctx, dir, 1<<10, "cat-file", "-e", object); err != nil {
		return nil, AbsentError{revision, path}
	}
	data, err := run(ctx, dir, limit, "cat-file", "blob", object)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// run runs git and gives what it prints, at most limit bytes.
func run(ctx context.Context, dir string, limit int64, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("the program git is not installed")
	}
	if err != nil {
		return nil, fmt.Errorf("run git: %w", err)
	}
	data, readErr := io.ReadAll(io.LimitReader(out, limit+1))
	if int64(len(data)) > limit {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		return nil, fmt.Errorf("too large: the limit is %d MiB", limit>>20)
	}
	if err := errors.Join(readErr, cmd.Wait()); err != nil {
		if text := strings.TrimSpace(stderr.String()); text != "" {
			return nil, fmt.Errorf("git: %s", text)
		}
		return nil, fmt.Errorf("git %s: %w", args[0], err)
	}
	return data, nil
}
