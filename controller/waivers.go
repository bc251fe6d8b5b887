package controller

import "github.com/keiro-net/keiro/pathspec/gate"

// waived reports whether somebody with the right to has allowed what is found.
func (b *backend) waived(gate.Finding) bool { return false }
