package keying

import "slices"

// job is one slow call.
type job struct {
	work func() (then func()) // beside; then by the goroutine that owns the machines, nil: nothing
	pool *pool                // it takes a slot of; nil: it does not wait
	// void is what is done instead when its lane is silenced before it began;
	// nil: it is done all the same.
	void func()
	of   *laneOf // whose silence makes it void; nil: nobody's
}

// queue is what there is to do with one device, one file or one store of keys:
// one job at a time, in order.
type queue struct {
	name  string
	jobs  []job
	busy  bool // the first is under way
	waits bool // it is in a pool's line
}

// pool bounds how many jobs of one kind are under way. Each kind has its own,
// so that where one hangs the others go on.
type pool struct {
	free int
	line []*queue // whose first job waits for a slot, or did
}

// finished is a job that is over.
type finished struct {
	queue *queue
	then  func()
}

func (k *Keyer) queue(name string) *queue {
	q := k.queues[name]
	if q == nil {
		q = &queue{name: name}
		k.queues[name] = q
	}
	return q
}

// forgetWaiting leaves but the job under way.
func (q *queue) forgetWaiting() {
	q.jobs = q.jobs[:min(len(q.jobs), 1)]
	if !q.busy {
		q.jobs = nil
	}
}

// enqueue has a job done after all that came before in its queue.
func (k *Keyer) enqueue(name string, j job) {
	q := k.queue(name)
	q.jobs = append(q.jobs, j)
	k.start(q)
}

// beside has work done with a lane's device, unless the lane is silenced first.
// At the end there is no more.
func (k *Keyer) beside(l *laneOf, work func() (then func()), void func()) {
	if !k.ending {
		k.enqueue(l.queue(), job{work, &k.devices, void, l})
	}
}

// onDisk has work done with a peer's file.
func (k *Keyer) onDisk(p *peer, work func() (then func())) {
	if !k.ending {
		k.enqueue("disk "+p.Node, job{work: work, pool: &k.disks})
	}
}

// ahead has work done as soon as nothing is under way in the queue. Of the jobs
// that wait, those of the lane are void.
func (k *Keyer) ahead(l *laneOf, work func() (then func())) {
	q := k.queue(l.queue())
	first := 0
	if q.busy {
		first = 1
	}
	waiting := slices.Clone(q.jobs[first:])
	q.jobs = append(q.jobs[:first], job{work: work})
	for _, j := range waiting {
		if j.of == l && j.void != nil {
			k.later = append(k.later, j.void)
		} else {
			q.jobs = append(q.jobs, j)
		}
	}
	k.start(q)
}

// start begins the first job when it can.
func (k *Keyer) start(q *queue) {
	if q.busy || len(q.jobs) == 0 {
		return
	}
	j := q.jobs[0]
	if j.pool != nil {
		if j.pool.free == 0 {
			if !q.waits {
				q.waits = true
				j.pool.line = append(j.pool.line, q)
			}
			return
		}
		j.pool.free--
	}
	q.busy = true
	go func() { k.done <- finished{q, j.work()} }()
}

// over ends the first job of a queue, and begins what has waited for it.
func (k *Keyer) over(f finished) {
	q := f.queue
	j := q.jobs[0]
	q.busy, q.jobs = false, slices.Delete(q.jobs, 0, 1)
	if j.pool != nil {
		j.pool.free++
		for j.pool.free > 0 && len(j.pool.line) > 0 {
			next := j.pool.line[0]
			j.pool.line = j.pool.line[1:]
			next.waits = false
			k.start(next)
			k.tidy(next)
		}
	}
	k.start(q)
	k.tidy(q)
	if f.then != nil {
		f.then()
	}
}

// tidy forgets a queue that is done.
func (k *Keyer) tidy(q *queue) {
	if len(q.jobs) == 0 && !q.waits && k.queues[q.name] == q {
		delete(k.queues, q.name)
	}
}

// idle: no job of the queue is under way or waits.
func (k *Keyer) idle(name string) bool {
	q := k.queues[name]
	return q == nil || len(q.jobs) == 0
}
