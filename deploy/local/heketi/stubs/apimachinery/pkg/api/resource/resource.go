// Package resource has what Heketi's code names, and does nothing.
package resource

// Quantity as text.
type Quantity string

// MustParse takes any text.
func MustParse(text string) Quantity { return Quantity(text) }
