// Package api has what Heketi's code names, and does nothing.
package api

const NamespaceDefault = "default"

var ParameterCodec any

type PodExecOptions struct {
	Container      string
	Command        []string
	Stdout, Stderr bool
}
