"""How large a claim may become, and how small a request may be made again. Pure decisions.

`policy` is what people allow, `limits` what the cluster does, `growing` and `lowering` decide, and
`retain` writes down what only a person may do. No handler, step or record here: those are written
over these values.
"""
