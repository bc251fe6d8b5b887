package rootless

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const socketName = "lab.sock"

// openUserDir opens the directory of the holder's socket, which nobody but
// the user may enter.
func openUserDir() (*os.File, error) {
	path := fmt.Sprintf("/tmp/keiro-%d", os.Getuid())
	if base := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(base) {
		path = filepath.Join(base, "keiro")
	}
	if err := os.Mkdir(path, 0o700); err != nil && !os.IsExist(err) {
		return nil, fmt.Errorf("make the directory of the labs: %w", err)
	}
	// Anybody may have made a name in /tmp first.
	fd, err := unix.Open(path, unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the directory of the labs %s: %w", path, err)
	}
	dir := os.NewFile(uintptr(fd), path)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || int(st.Uid) != os.Getuid() || st.Mode&0o077 != 0 {
		dir.Close()
		return nil, fmt.Errorf("the directory of the labs %s must belong to you alone (mode 0700); remove it", path)
	}
	return dir, nil
}
