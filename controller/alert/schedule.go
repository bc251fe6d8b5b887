package alert

import "time"

// delays are the pauses after the attempts, as the Standard Webhooks
// specification advises, with more of them in the first minute.
var delays = []time.Duration{
	time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute, 30 * time.Minute,
	2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// lifetime is how old a delivery may become: the sum of delays, nearly.
const lifetime = 75*time.Hour + 40*time.Minute

// jitter spreads the retries by this share to either side.
const jitter = 0.1

// retryAt returns when to try again after so many failed attempts (at least
// one), or false when a delivery is to be given up. random is from [0, 1).
func retryAt(created, now time.Time, attempts int, random float64) (time.Time, bool) {
	delay := delays[min(attempts, len(delays))-1]
	at := now.Add(time.Duration(float64(delay) * (1 - jitter + 2*jitter*random)))
	return at, at.Before(created.Add(lifetime))
}
