// Package said keeps what several BGP-LS speakers say of one object, and decides
// whom to believe, for each attribute by itself:
//
//	a peer whose session stands     before one whose words are stale
//	then who said the value last    since when it says so, not when it last spoke
//	then the least name of a peer
//
// What other live peers say instead is told beside it. An object is there as long
// as one live peer says so. Of a peer whose session was lost the words are stale,
// not gone: they hold the object until another peer withdraws it.
//
// It is pure and knows one object at a time. Package lsdb keeps the words, and
// whoever has an object of its views reads them here:
//
//	delay := said.Read(half.Words, said.Delay)
package said
