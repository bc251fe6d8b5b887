// Package route has what the routes that Keiro originates have in common, whatever
// their NLRIs are: the path attributes that a session wants of them, the communities
// that say where they may go, colors (RFC 9012 section 4.3, RFC 9830 section 3) and
// route targets that name a headend (RFC 9830 section 4.1).
//
// It makes and reads messages of bgp/message. It does no I/O and keeps
// nothing. It knows no NLRI: bgp/srpolicy and bgp/service bring
// theirs, and they are who calls it.
package route
