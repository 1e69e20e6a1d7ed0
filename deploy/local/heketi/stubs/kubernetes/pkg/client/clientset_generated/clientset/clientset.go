// Package clientset has what Heketi's code names, and does nothing.
package clientset

import (
	core "k8s.io/kubernetes/pkg/client/clientset_generated/clientset/typed/core/v1"

	rest "k8s.io/client-go/rest"
)

type Interface interface{ CoreV1() *core.CoreV1Client }

type Clientset struct{}

func NewForConfig(*rest.Config) (*Clientset, error) { return nil, rest.ErrNone }

func (*Clientset) CoreV1() *core.CoreV1Client { return nil }
func (*Clientset) Core() *core.CoreV1Client   { return nil }
