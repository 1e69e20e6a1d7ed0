// Package rest stands where Heketi's Kubernetes client was: here it always says that there is none.
package rest

import (
	"errors"
	"net/url"
)

// ErrNone is the answer to everything.
var ErrNone = errors.New("this Heketi was built without a Kubernetes client")

// Config is what a client would be made from.
type Config struct{ Host string }

// Interface makes requests.
type Interface interface{ Post() *Request }

// Request is never sent.
type Request struct{}

// InClusterConfig finds none.
func InClusterConfig() (*Config, error) { return nil, ErrNone }

func (r *Request) Resource(string) *Request          { return r }
func (r *Request) Name(string) *Request              { return r }
func (r *Request) Namespace(string) *Request         { return r }
func (r *Request) SubResource(string) *Request       { return r }
func (r *Request) Param(string, string) *Request     { return r }
func (r *Request) VersionedParams(any, any) *Request { return r }
func (r *Request) URL() *url.URL                     { return &url.URL{} }
