package routers

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"
)

// ran keeps when the controller last ran, so that one that comes back says to
// its peers that it has restarted (RFC 4724), and they keep what it had told
// them. It counts by the time since the machine has booted, which nobody sets;
// only over a reboot by the clock.
type ran struct {
	name string // of the file; "" keeps nothing
	log  *slog.Logger
	boot func() (id string, uptime time.Duration) // nil: that of the machine
}

// mark is what the file says.
type mark struct {
	Boot   string        `json:"boot"` // of the machine; "" is unknown
	Uptime time.Duration `json:"uptime"`
	Clock  time.Time     `json:"clock"`
}

// every is how often it is noted: a controller that is killed has run so much
// longer at most.
const every = 5 * time.Second

// within reports whether the controller ran less than the time ago. A clock that
// was set back is no reason for a no: peers count for themselves how long they
// keep what they were told, and the controller tells them all of it again.
func (r *ran) within(now time.Time, d time.Duration) bool {
	if r.name == "" {
		return false
	}
	text, err := os.ReadFile(r.name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			r.log.Warn("when the controller last ran is not known: its BGP peers are told that it starts anew", "error", err)
		}
		return false
	}
	var m mark
	if err := json.Unmarshal(text, &m); err != nil {
		r.log.Warn("when the controller last ran is not known: its BGP peers are told that it starts anew", "file", r.name, "error", err)
		return false
	}
	away := now.Sub(m.Clock)
	if id, uptime := r.machine(); id != "" && id == m.Boot {
		away = uptime - m.Uptime
	}
	return away <= d+every
}

// note notes that it runs.
func (r *ran) note(now time.Time) {
	if r.name == "" {
		return
	}
	id, uptime := r.machine()
	text, _ := json.Marshal(mark{Boot: id, Uptime: uptime, Clock: now.UTC()}) // plain data
	err := os.WriteFile(r.name+".new", text, 0o600)
	if err == nil {
		err = os.Rename(r.name+".new", r.name)
	}
	if err != nil {
		r.log.Warn("that the controller runs cannot be noted: after a restart its BGP peers will forget what it said", "error", err)
	}
}

// keep notes it until ctx ends, and then once more.
func (r *ran) keep(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		r.note(time.Now())
		select {
		case <-tick.C:
		case <-ctx.Done():
			r.note(time.Now())
			return
		}
	}
}

func (r *ran) machine() (id string, uptime time.Duration) {
	if r.boot != nil {
		return r.boot()
	}
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", 0
	}
	up, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return "", 0
	}
	first, _, _ := strings.Cut(string(up), " ")
	seconds, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return "", 0
	}
	return strings.TrimSpace(string(text)), time.Duration(seconds * float64(time.Second))
}
