package disjoint

// Debug .
var Debug string

// Visits .
var Visits int

// RootBound .
var RootBound int64
