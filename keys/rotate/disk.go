package rotate

import "time"

// disk brings what is on disk to what is wanted there. One write is under way
// at a time; one that failed is repeated.
type disk struct {
	want, durable State
	writing       bool
	written       State // by the write under way
	failed        int   // in a row
	retry         time.Time
}

// clean: what is on disk is known, and is what is wanted. After a write that
// failed it is not known.
func (d *disk) clean() bool { return d.failed == 0 && d.want.equal(&d.durable) }

func (m *Machine) write() {
	d := &m.disk
	if d.writing || d.clean() || !m.due(d.retry) {
		return
	}
	d.writing, d.written = true, d.want.clone()
	m.emit(Persist{d.want.clone()})
}

func (m *Machine) persisted(failed *PersistFailed) {
	d := &m.disk
	if !d.writing {
		return
	}
	d.writing = false
	if failed != nil {
		d.failed++
		d.retry = m.now.Add(m.params.backoff(d.failed))
		m.alarm(DiskFailed, Lane{}, true, failed.Err)
		return
	}
	d.durable, d.written = d.written, State{}
	d.failed, d.retry = 0, time.Time{}
	m.alarm(DiskFailed, Lane{}, false, "")
}

func (d *disk) wake() time.Time {
	if d.writing || d.clean() {
		return time.Time{}
	}
	return d.retry
}
