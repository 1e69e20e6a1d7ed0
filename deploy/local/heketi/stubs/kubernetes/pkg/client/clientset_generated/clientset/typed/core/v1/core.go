// Package v1 has what Heketi's code names, and does nothing.
package v1

import (
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	rest "k8s.io/client-go/rest"
	api "k8s.io/kubernetes/pkg/api/v1"
)

type CoreV1Client struct{}

type Pods struct{}

type Secrets struct{}

func NewForConfig(*rest.Config) (*CoreV1Client, error) { return nil, rest.ErrNone }

func (*CoreV1Client) RESTClient() rest.Interface { return nil }
func (*CoreV1Client) Pods(string) Pods           { return Pods{} }
func (*CoreV1Client) Secrets(string) Secrets     { return Secrets{} }

func (Pods) List(meta.ListOptions) (*api.PodList, error)   { return nil, rest.ErrNone }
func (Pods) Get(string, meta.GetOptions) (*api.Pod, error) { return nil, rest.ErrNone }
func (Secrets) Create(*api.Secret) (*api.Secret, error)    { return nil, rest.ErrNone }
func (Secrets) Update(*api.Secret) (*api.Secret, error)    { return nil, rest.ErrNone }
