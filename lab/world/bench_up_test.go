package world_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/lab/world"
)

// BenchmarkUp starts the lab of twelve nodes with a controller and an agent in
// each, and declares the four intents of the examples.
func BenchmarkUp(b *testing.B) {
	var built, joined, answered, installed samples
	for b.Loop() {
		for range 5 {
			began := time.Now()
			ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
			w, err := world.Start(ctx, world.Options{
				File: jp12(b), Bin: binaries, Built: func(*lab.Lab) { built.add(time.Since(began)) },
			})
			if err != nil {
				b.Fatal(err)
			}
			c := &cloud{World: w, t: b, ctx: ctx}
			joined.add(time.Since(began))
			began = time.Now()
			_, err = w.Client.Apply(ctx, resource.Apply{Documents: []resource.Document{c.document("jp12.topology.yaml"), c.document("intents.yaml")}})
			c.must(err)
			answered.add(time.Since(began))
			c.settled()
			installed.add(time.Since(began))
			c.must(w.Close(ctx))
			cancel()
		}
	}
	fmt.Printf("%s: 12 nodes up after p50 %.0f ms, at most %.0f ms; their agents connected after %.0f ms, %.0f ms;\n  an apply is answered after %.0f ms, %.0f ms and installed and probed after %.0f ms, %.0f ms\n", b.Name(),
		built.percentile(50), built.percentile(100), joined.percentile(50), joined.percentile(100),
		answered.percentile(50), answered.percentile(100), installed.percentile(50), installed.percentile(100))
	b.ReportMetric(built.percentile(100), "lab-up-max-ms")
	b.ReportMetric(joined.percentile(100), "agents-up-max-ms")
	b.ReportMetric(installed.percentile(100), "apply-to-healthy-max-ms")
	b.ReportMetric(0, "ns/op")
}
