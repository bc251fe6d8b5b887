// Package demo shows the main job end to end: a lab of the examples, the
// controller and the agents, intents, a stream of packets, a duct that is cut,
// the repair, the alert, the way back. What it shows is what the commands of
// the command line print, run as an operator would run them; where it must
// measure it acts itself and says which command does the same. It believes
// nothing: what is not as promised makes it fail, and nothing is left behind.
// Only cmd/keiro calls it.
//
// There is a second story, of a network of which half is plain routers without an
// agent (bgp.go).
//
// package budget: two stories, of acts that share one screen
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/keiro-net/keiro/lab/world"
	"github.com/keiro-net/keiro/topology/clab"
)

// Options of a demo.
type Options struct {
	Examples string // directory of the example files
	Bin      string // directory of keiro, keiro-controller, keiro-agent and keiro-lab-router
	BGP      bool   // the story of routers without an agent
	Keep     bool   // leave everything running at the end
	Out      io.Writer
	Colour   bool
}

// waitToRestore is how long a link must be up again before paths return to
// it: short, so that nobody has to wait for the end of the story.
const waitToRestore = 500 * time.Millisecond

// What of the examples the demo is about.
const (
	labFile      = "jp12.clab.yml"
	topologyFile = "jp12.topology.yaml"
	intentsFile  = "intents.yaml"
	tooMuchFile  = "infeasible.yaml"
	sealedFile   = "encrypted.yaml"
	quantumFile  = "quantum.yaml"

	protected  = "tyo-osa-gold"
	infeasible = "tyo-hkt-fast"
	duct       = "srlg:keihan-duct"
	head, tail = "tyo1", "osa1" // ends of protected
)

// demo is one run.
type demo struct {
	Options
	screen
	file  *clab.File
	dir   string // of files for the controller
	hook  *receiver
	world *world.World
	told  summary
	story story
}

// story is what of a demo differs from the other one.
type story struct {
	lab      string   // file of the examples
	programs []string // that it needs
	hook     bool     // somebody wants alerts
	acts     []func(context.Context) error
	try      []string // what --keep has people try
	end      func() string
}

func (d *demo) main() story {
	return story{
		lab: labFile, programs: []string{"keiro", "keiro-controller", "keiro-agent"}, hook: true,
		acts: []func(context.Context) error{d.bringUp, d.declare, d.look, d.cut, d.restore, d.silently, d.tamper, d.refuse, d.encrypt},
		try: []string{"%s get intents", "%s watch", "keiro lab cut %f srlg:tokaido-duct", "%s describe intent " + protected,
			"keiro lab restore %f --all"},
		end: func() string {
			return fmt.Sprintf("lost %d of %d packets, repaired in %.1f ms, alert after %.1f ms",
				d.told.lost, d.told.sent, millis(d.told.outage), millis(d.told.alert))
		},
	}
}

// summary is what the last line says.
type summary struct {
	lost, sent    int
	outage, alert time.Duration
}

// Run runs the demo and ends with the line that says how it went, an error as
// well.
func Run(ctx context.Context, o Options) error {
	d := newDemo(o)
	err := d.run(ctx)
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	if err != nil {
		first, more, _ := strings.Cut(err.Error(), "\n")
		if more != "" {
			d.printf("\n%s\n%s\n", first, more)
		}
		d.printf("\ndemo: FAILED: %s\n", first)
		return err
	}
	d.printf("\ndemo: ok, %s\n", d.story.end())
	return nil
}

func newDemo(o Options) *demo {
	d := &demo{Options: o, screen: screen{out: o.Out, colour: o.Colour}}
	d.story = d.main()
	if o.BGP {
		d.story = d.routers()
	}
	return d
}

func (d *demo) run(ctx context.Context) (err error) {
	if err := d.prepare(); err != nil {
		return err
	}
	defer func() {
		if err == nil && d.Keep {
			err = d.leave()
			return
		}
		if err != nil && ctx.Err() == nil && d.world != nil {
			err = fmt.Errorf("%w\n\nthe end of the controller's log:\n%s", err, d.world.Log("controller"))
		}
		err = errors.Join(err, d.tearDown(context.WithoutCancel(ctx), err == nil))
	}()
	for _, act := range d.story.acts {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// prepare looks whether all is there, and makes what the controller is to
// find.
func (d *demo) prepare() error {
	for _, name := range d.story.programs {
		if _, err := os.Stat(filepath.Join(d.Bin, name)); err != nil {
			return fmt.Errorf("%w: build it with `make build`", err)
		}
	}
	var err error
	if d.file, err = d.readLab(); err != nil {
		return err
	}
	left, err := world.Left(d.file.Name)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("a lab %s is up already; `%s --down` ends it", d.file.Name, d.name())
	}
	if !d.story.hook {
		return nil
	}
	if d.dir, err = os.MkdirTemp("", "keiro-demo-"); err != nil {
		return err
	}
	if d.hook, err = listen(d.dir); err != nil {
		return errors.Join(err, os.RemoveAll(d.dir))
	}
	return nil
}

// name is the command that runs this demo.
func (d *demo) name() string {
	if d.BGP {
		return "keiro demo --bgp"
	}
	return "keiro demo"
}

func (d *demo) readLab() (*clab.File, error) {
	path := d.example(d.story.lab)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: the demo needs the examples of the repository; run it there, or say with --examples where they are", err)
	}
	if err != nil {
		return nil, err
	}
	return clab.Parse(path, data, os.LookupEnv)
}

// tearDown ends everything and looks whether that is so. It is part of the
// story where all went well.
func (d *demo) tearDown(ctx context.Context, show bool) error {
	if show {
		d.act("Nothing is left")
	}
	if d.hook != nil {
		d.hook.close()
	}
	var errs []error
	if d.world != nil {
		errs = append(errs, d.world.Close(ctx))
	}
	left, err := world.Left(d.file.Name)
	errs = append(errs, err)
	if len(left) > 0 {
		errs = append(errs, fmt.Errorf("still there after the end: %s", strings.Join(left, ", ")))
	}
	if err := errors.Join(errs...); err != nil || !show {
		return err
	}
	d.say("Agents, controller and lab are gone: no process, no namespace, no file.")
	return nil
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
