// Package remotecommand has what Heketi's code names, and does nothing.
package remotecommand

var SupportedStreamingProtocols []string
