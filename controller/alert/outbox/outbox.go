// Package outbox keeps alerts in the controller's store until they are
// delivered, and those that were given up. It decides nothing: controller/alert
// says what goes where. controller joins the two.
package outbox

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/keiro-net/keiro/controller/alert"
	"github.com/keiro-net/keiro/controller/store"
)

// Outbox is an alert.Outbox.
type Outbox struct{ *store.Store }

const (
	outboxBucket = "outbox"
	letterBucket = "deadletter"
)

// Put implements alert.Outbox.
func (o Outbox) Put(ctx context.Context, deliveries []alert.Delivery) error {
	ops := make([]store.Op, len(deliveries))
	for n, d := range deliveries {
		value, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("alert %s: %w", d.Alert.ID, err)
		}
		ops[n] = store.Put(outboxBucket, d.ID, value)
	}
	return o.Commit(ctx, ops...)
}

// Delete implements alert.Outbox.
func (o Outbox) Delete(ctx context.Context, id string) error {
	return o.Commit(ctx, store.Delete(outboxBucket, id))
}

// List implements alert.Outbox.
func (o Outbox) List(ctx context.Context) ([]alert.Delivery, error) {
	return list[alert.Delivery](ctx, o, outboxBucket)
}

// Bury implements alert.Outbox.
func (o Outbox) Bury(ctx context.Context, letter alert.Letter, dropped []string) error {
	value, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("dead letter %s: %w", letter.ID, err)
	}
	ops := []store.Op{store.Delete(outboxBucket, letter.ID), store.Put(letterBucket, letter.ID, value)}
	for _, id := range dropped[:min(len(dropped), store.MaxOps-len(ops))] {
		ops = append(ops, store.Delete(letterBucket, id))
	}
	return o.Commit(ctx, ops...)
}

// Letters implements alert.Outbox.
func (o Outbox) Letters(ctx context.Context) ([]alert.Letter, error) {
	return list[alert.Letter](ctx, o, letterBucket)
}

// Revive implements alert.Outbox.
func (o Outbox) Revive(ctx context.Context, d alert.Delivery) error {
	value, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("dead letter %s: %w", d.ID, err)
	}
	return o.Commit(ctx, store.Delete(letterBucket, d.ID), store.Put(outboxBucket, d.ID, value))
}

func list[T any](ctx context.Context, o Outbox, bucket string) ([]T, error) {
	records, err := o.Store.List(ctx, bucket)
	if err != nil {
		return nil, err
	}
	out := make([]T, len(records))
	for n, r := range records {
		if err := json.Unmarshal(r.Value, &out[n]); err != nil {
			return nil, fmt.Errorf("stored %s %s: %w", bucket, r.Key, err)
		}
	}
	return out, nil
}
