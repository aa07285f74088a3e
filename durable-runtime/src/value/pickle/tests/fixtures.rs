//! What Python 3.11 and dbos 3.4.0 pickle.

/// One value with all kinds of plain data, in protocols 0 to 5.
pub(super) const PLAIN: [&str; 6] = [
    "KGRwMApWbm9uZQpwMQpOc1Z5ZXMKcDIKSTAxCnNWbm8KcDMKSTAwCnNWemVybwpwNApJMApzVmJ5dGUKcDUKSTI1NQpzVm1pbnVzCnA2CkktMQpzVnNob3J0CnA3Ckk2NTUzNQpzVmludApwOApJLTIxNDc0ODM2NDgKc1ZiaWcKcDkKTDE2MDY5MzgwNDQyNTg5OTAyNzU1NDE5NjIwOTIzNDExNjI2MDI1MjIyMDI5OTM3ODI3OTI4MzUzMDEzNzZMCnNWYmlnbmVnCnAxMApMLTE2MDY5MzgwNDQyNTg5OTAyNzU1NDE5NjIwOTIzNDExNjI2MDI1MjIyMDI5OTM3ODI3OTI4MzUzMDEzNzZMCnNWdGVudGgKcDExCkYwLjEKc1ZodWdlCnAxMgpGMWUrMzAwCnNWbmVnemVybwpwMTMKRi0wLjAKc1Z0ZXh0CnAxNApW6SBcdTAwNWMgXHUwMDBhIFx1MDAwZCBcdTAwMWEgXHUwMDAwIFx1MjAyOCBcVTAwMDFmNjAwIFx1MDA1Y3UwMDQxICJxIgpwMTUKc1ZsaXN0CnAxNgoobHAxNwpzVnR1cGxlCnAxOAoodHNWZGljdApwMTkKKGRwMjAKc1ZzZXQKcDIxCmNfX2J1aWx0aW5fXwpzZXQKcDIyCigobHAyMwp0cDI0ClJwMjUKc1Zmcm96ZW4KcDI2CmNfX2J1aWx0aW5fXwpmcm96ZW5zZXQKcDI3CigobHAyOApJNwphdHAyOQpScDMwCnNWb25lCnAzMQpnMjIKKChscDMyCkk5CmF0cDMzClJwMzQKc1ZuZXN0ZWQKcDM1CihscDM2CihJMQp0cDM3CmEoSTEKSTIKdHAzOAphKEkxCkkyCkkzCnRwMzkKYShJMQpJMgpJMwpJNAp0cDQwCmEobHA0MQoobHA0MgphYShkcDQzClZ6CnA0NAooZHA0NQpWYQpwNDYKKGxwNDcKTmFzc2FzVnMxCnA0OAoobHA0OQpJMQphSTIKYXNWczIKcDUwCihscDUxCmc0OQphZzQ5CmFzVgpwNTIKZzUyCnNWY2zpIFxVMDAwMWY2MDAKcDUzCkkxCnMu",
    "fXEAKFgEAAAAbm9uZXEBTlgDAAAAeWVzcQJJMDEKWAIAAABub3EDSTAwClgEAAAAemVyb3EESwBYBAAAAGJ5dGVxBUv/WAUAAABtaW51c3EGSv////9YBQAAAHNob3J0cQdN//9YAwAAAGludHEISgAAAIBYAwAAAGJpZ3EJTDE2MDY5MzgwNDQyNTg5OTAyNzU1NDE5NjIwOTIzNDExNjI2MDI1MjIyMDI5OTM3ODI3OTI4MzUzMDEzNzZMClgGAAAAYmlnbmVncQpMLTE2MDY5MzgwNDQyNTg5OTAyNzU1NDE5NjIwOTIzNDExNjI2MDI1MjIyMDI5OTM3ODI3OTI4MzUzMDEzNzZMClgFAAAAdGVudGhxC0c/uZmZmZmZmlgEAAAAaHVnZXEMR3435DyIAHWcWAcAAABuZWd6ZXJvcQ1HgAAAAAAAAABYBAAAAHRleHRxDlggAAAAw6kgXCAKIA0gGiAAIOKAqCDwn5iAIFx1MDA0MSAicSJxD1gEAAAAbGlzdHEQXXERWAUAAAB0dXBsZXESKVgEAAAAZGljdHETfXEUWAMAAABzZXRxFWNfX2J1aWx0aW5fXwpzZXQKcRYoXXEXdHEYUnEZWAYAAABmcm96ZW5xGmNfX2J1aWx0aW5fXwpmcm96ZW5zZXQKcRsoXXEcSwdhdHEdUnEeWAMAAABvbmVxH2gWKF1xIEsJYXRxIVJxIlgGAAAAbmVzdGVkcSNdcSQoKEsBdHElKEsBSwJ0cSYoSwFLAksDdHEnKEsBSwJLA0sEdHEoXXEpXXEqYX1xK1gBAAAAenEsfXEtWAEAAABhcS5dcS9OYXNzZVgCAAAAczFxMF1xMShLAUsCZVgCAAAAczJxMl1xMyhoMWgxZVgAAAAAcTRoNFgJAAAAY2zDqSDwn5iAcTVLAXUu",
    "gAJ9cQAoWAQAAABub25lcQFOWAMAAAB5ZXNxAohYAgAAAG5vcQOJWAQAAAB6ZXJvcQRLAFgEAAAAYnl0ZXEFS/9YBQAAAG1pbnVzcQZK/////1gFAAAAc2hvcnRxB03//1gDAAAAaW50cQhKAAAAgFgDAAAAYmlncQmKGgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABWAYAAABiaWduZWdxCooaAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP9YBQAAAHRlbnRocQtHP7mZmZmZmZpYBAAAAGh1Z2VxDEd+N+Q8iAB1nFgHAAAAbmVnemVyb3ENR4AAAAAAAAAAWAQAAAB0ZXh0cQ5YIAAAAMOpIFwgCiANIBogACDigKgg8J+YgCBcdTAwNDEgInEicQ9YBAAAAGxpc3RxEF1xEVgFAAAAdHVwbGVxEilYBAAAAGRpY3RxE31xFFgDAAAAc2V0cRVjX19idWlsdGluX18Kc2V0CnEWXXEXhXEYUnEZWAYAAABmcm96ZW5xGmNfX2J1aWx0aW5fXwpmcm96ZW5zZXQKcRtdcRxLB2GFcR1ScR5YAwAAAG9uZXEfaBZdcSBLCWGFcSFScSJYBgAAAG5lc3RlZHEjXXEkKEsBhXElSwFLAoZxJksBSwJLA4dxJyhLAUsCSwNLBHRxKF1xKV1xKmF9cStYAQAAAHpxLH1xLVgBAAAAYXEuXXEvTmFzc2VYAgAAAHMxcTBdcTEoSwFLAmVYAgAAAHMycTJdcTMoaDFoMWVYAAAAAHE0aDRYCQAAAGNsw6kg8J+YgHE1SwF1Lg==",
    "gAN9cQAoWAQAAABub25lcQFOWAMAAAB5ZXNxAohYAgAAAG5vcQOJWAQAAAB6ZXJvcQRLAFgEAAAAYnl0ZXEFS/9YBQAAAG1pbnVzcQZK/////1gFAAAAc2hvcnRxB03//1gDAAAAaW50cQhKAAAAgFgDAAAAYmlncQmKGgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABWAYAAABiaWduZWdxCooaAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP9YBQAAAHRlbnRocQtHP7mZmZmZmZpYBAAAAGh1Z2VxDEd+N+Q8iAB1nFgHAAAAbmVnemVyb3ENR4AAAAAAAAAAWAQAAAB0ZXh0cQ5YIAAAAMOpIFwgCiANIBogACDigKgg8J+YgCBcdTAwNDEgInEicQ9YBAAAAGxpc3RxEF1xEVgFAAAAdHVwbGVxEilYBAAAAGRpY3RxE31xFFgDAAAAc2V0cRVjYnVpbHRpbnMKc2V0CnEWXXEXhXEYUnEZWAYAAABmcm96ZW5xGmNidWlsdGlucwpmcm96ZW5zZXQKcRtdcRxLB2GFcR1ScR5YAwAAAG9uZXEfaBZdcSBLCWGFcSFScSJYBgAAAG5lc3RlZHEjXXEkKEsBhXElSwFLAoZxJksBSwJLA4dxJyhLAUsCSwNLBHRxKF1xKV1xKmF9cStYAQAAAHpxLH1xLVgBAAAAYXEuXXEvTmFzc2VYAgAAAHMxcTBdcTEoSwFLAmVYAgAAAHMycTJdcTMoaDFoMWVYAAAAAHE0aDRYCQAAAGNsw6kg8J+YgHE1SwF1Lg==",
    "gASVnwEAAAAAAAB9lCiMBG5vbmWUTowDeWVzlIiMAm5vlImMBHplcm+USwCMBGJ5dGWUS/+MBW1pbnVzlEr/////jAVzaG9ydJRN//+MA2ludJRKAAAAgIwDYmlnlIoaAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAGMBmJpZ25lZ5SKGgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAD/jAV0ZW50aJRHP7mZmZmZmZqMBGh1Z2WUR3435DyIAHWcjAduZWd6ZXJvlEeAAAAAAAAAAIwEdGV4dJSMIMOpIFwgCiANIBogACDigKgg8J+YgCBcdTAwNDEgInEilIwEbGlzdJRdlIwFdHVwbGWUKYwEZGljdJR9lIwDc2V0lI+UjAZmcm96ZW6UKEsHkZSMA29uZZSPlChLCZCMBm5lc3RlZJRdlChLAYWUSwFLAoaUSwFLAksDh5QoSwFLAksDSwR0lF2UXZRhfZSMAXqUfZSMAWGUXZROYXNzZYwCczGUXZQoSwFLAmWMAnMylF2UKGgpaClljACUaCyMCWNsw6kg8J+YgJRLAXUu",
    "gAWVnwEAAAAAAAB9lCiMBG5vbmWUTowDeWVzlIiMAm5vlImMBHplcm+USwCMBGJ5dGWUS/+MBW1pbnVzlEr/////jAVzaG9ydJRN//+MA2ludJRKAAAAgIwDYmlnlIoaAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAGMBmJpZ25lZ5SKGgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAD/jAV0ZW50aJRHP7mZmZmZmZqMBGh1Z2WUR3435DyIAHWcjAduZWd6ZXJvlEeAAAAAAAAAAIwEdGV4dJSMIMOpIFwgCiANIBogACDigKgg8J+YgCBcdTAwNDEgInEilIwEbGlzdJRdlIwFdHVwbGWUKYwEZGljdJR9lIwDc2V0lI+UjAZmcm96ZW6UKEsHkZSMA29uZZSPlChLCZCMBm5lc3RlZJRdlChLAYWUSwFLAoaUSwFLAksDh5QoSwFLAksDSwR0lF2UXZRhfZSMAXqUfZSMAWGUXZROYXNzZYwCczGUXZQoSwFLAmWMAnMylF2UKGgpaClljACUaCyMCWNsw6kg8J+YgJRLAXUu",
];

/// `{"args": ("bob", 42, [1.5, None], {"k": "é"}), "kwargs": {"count": 2**70, "tags": ("a", "b")}}`.
pub(super) const ARGUMENTS: [&str; 6] = [
    "KGRwMApWYXJncwpwMQooVmJvYgpwMgpJNDIKKGxwMwpGMS41CmFOYShkcDQKVmsKcDUKVukKcDYKc3RwNwpzVmt3YXJncwpwOAooZHA5ClZjb3VudApwMTAKTDExODA1OTE2MjA3MTc0MTEzMDM0MjRMCnNWdGFncwpwMTEKKFZhCnAxMgpWYgpwMTMKdHAxNApzcy4=",
    "fXEAKFgEAAAAYXJnc3EBKFgDAAAAYm9icQJLKl1xAyhHP/gAAAAAAABOZX1xBFgBAAAAa3EFWAIAAADDqXEGc3RxB1gGAAAAa3dhcmdzcQh9cQkoWAUAAABjb3VudHEKTDExODA1OTE2MjA3MTc0MTEzMDM0MjRMClgEAAAAdGFnc3ELKFgBAAAAYXEMWAEAAABicQ10cQ51dS4=",
    "gAJ9cQAoWAQAAABhcmdzcQEoWAMAAABib2JxAksqXXEDKEc/+AAAAAAAAE5lfXEEWAEAAABrcQVYAgAAAMOpcQZzdHEHWAYAAABrd2FyZ3NxCH1xCShYBQAAAGNvdW50cQqKCQAAAAAAAAAAQFgEAAAAdGFnc3ELWAEAAABhcQxYAQAAAGJxDYZxDnV1Lg==",
    "gAN9cQAoWAQAAABhcmdzcQEoWAMAAABib2JxAksqXXEDKEc/+AAAAAAAAE5lfXEEWAEAAABrcQVYAgAAAMOpcQZzdHEHWAYAAABrd2FyZ3NxCH1xCShYBQAAAGNvdW50cQqKCQAAAAAAAAAAQFgEAAAAdGFnc3ELWAEAAABhcQxYAQAAAGJxDYZxDnV1Lg==",
    "gASVYgAAAAAAAAB9lCiMBGFyZ3OUKIwDYm9ilEsqXZQoRz/4AAAAAAAATmV9lIwBa5SMAsOplHN0lIwGa3dhcmdzlH2UKIwFY291bnSUigkAAAAAAAAAAECMBHRhZ3OUjAFhlIwBYpSGlHV1Lg==",
    "gAWVYgAAAAAAAAB9lCiMBGFyZ3OUKIwDYm9ilEsqXZQoRz/4AAAAAAAATmV9lIwBa5SMAsOplHN0lIwGa3dhcmdzlH2UKIwFY291bnSUigkAAAAAAAAAAECMBHRhZ3OUjAFhlIwBYpSGlHV1Lg==",
];

/// What a value holds that is no plain data, and its pickle.
pub(super) const FOREIGN: &[(&str, &str)] = &[
    (
        "a Python object of class `datetime.datetime`",
        "Y2RhdGV0aW1lCmRhdGV0aW1lCnAwCihjX2NvZGVjcwplbmNvZGUKcDEKKFYH6QYPXHUwMDAwXHUwMDAwXHUwMDAwXHUwMDAwXHUwMDAwXHUwMDAwCnAyClZsYXRpbjEKcDMKdHA0ClJwNQp0cDYKUnA3Ci4=",
    ),
    (
        "a Python object of class `datetime.datetime`",
        "Y2RhdGV0aW1lCmRhdGV0aW1lCnEAKGNfY29kZWNzCmVuY29kZQpxAShYCwAAAAfDqQYPAAAAAAAAcQJYBgAAAGxhdGluMXEDdHEEUnEFdHEGUnEHLg==",
    ),
    (
        "a Python object of class `datetime.datetime`",
        "gAJjZGF0ZXRpbWUKZGF0ZXRpbWUKcQBjX2NvZGVjcwplbmNvZGUKcQFYCwAAAAfDqQYPAAAAAAAAcQJYBgAAAGxhdGluMXEDhnEEUnEFhXEGUnEHLg==",
    ),
    (
        "a Python object of class `datetime.datetime`",
        "gANjZGF0ZXRpbWUKZGF0ZXRpbWUKcQBDCgfpBg8AAAAAAABxAYVxAlJxAy4=",
    ),
    (
        "a Python object of class `datetime.datetime`",
        "gASVKgAAAAAAAACMCGRhdGV0aW1llIwIZGF0ZXRpbWWUk5RDCgfpBg8AAAAAAACUhZRSlC4=",
    ),
    (
        "a Python object of class `datetime.datetime`",
        "gAWVKgAAAAAAAACMCGRhdGV0aW1llIwIZGF0ZXRpbWWUk5RDCgfpBg8AAAAAAACUhZRSlC4=",
    ),
    (
        "a Python object of class `decimal.Decimal`",
        "Y2RlY2ltYWwKRGVjaW1hbApwMAooVjEuNQpwMQp0cDIKUnAzCi4=",
    ),
    (
        "a Python object of class `decimal.Decimal`",
        "Y2RlY2ltYWwKRGVjaW1hbApxAChYAwAAADEuNXEBdHECUnEDLg==",
    ),
    (
        "a Python object of class `decimal.Decimal`",
        "gAJjZGVjaW1hbApEZWNpbWFsCnEAWAMAAAAxLjVxAYVxAlJxAy4=",
    ),
    (
        "a Python object of class `decimal.Decimal`",
        "gANjZGVjaW1hbApEZWNpbWFsCnEAWAMAAAAxLjVxAYVxAlJxAy4=",
    ),
    (
        "a Python object of class `decimal.Decimal`",
        "gASVIQAAAAAAAACMB2RlY2ltYWyUjAdEZWNpbWFslJOUjAMxLjWUhZRSlC4=",
    ),
    (
        "a Python object of class `decimal.Decimal`",
        "gAWVIQAAAAAAAACMB2RlY2ltYWyUjAdEZWNpbWFslJOUjAMxLjWUhZRSlC4=",
    ),
    (
        "a Python object of class `uuid.UUID`",
        "Y2NvcHlfcmVnCl9yZWNvbnN0cnVjdG9yCnAwCihjdXVpZApVVUlECnAxCmNfX2J1aWx0aW5fXwpvYmplY3QKcDIKTnRwMwpScDQKKGRwNQpWaW50CnA2Ckk3CnNiLg==",
    ),
    (
        "a Python object of class `uuid.UUID`",
        "Y2NvcHlfcmVnCl9yZWNvbnN0cnVjdG9yCnEAKGN1dWlkClVVSUQKcQFjX19idWlsdGluX18Kb2JqZWN0CnECTnRxA1JxBH1xBVgDAAAAaW50cQZLB3NiLg==",
    ),
    (
        "a Python object of class `uuid.UUID`",
        "gAJjdXVpZApVVUlECnEAKYFxAX1xAlgDAAAAaW50cQNLB3NiLg==",
    ),
    (
        "a Python object of class `uuid.UUID`",
        "gANjdXVpZApVVUlECnEAKYFxAX1xAlgDAAAAaW50cQNLB3NiLg==",
    ),
    (
        "a Python object of class `uuid.UUID`",
        "gASVIAAAAAAAAACMBHV1aWSUjARVVUlElJOUKYGUfZSMA2ludJRLB3NiLg==",
    ),
    (
        "a Python object of class `uuid.UUID`",
        "gAWVIAAAAAAAAACMBHV1aWSUjARVVUlElJOUKYGUfZSMA2ludJRLB3NiLg==",
    ),
    (
        "bytes",
        "Y19jb2RlY3MKZW5jb2RlCnAwCihWYWL/CnAxClZsYXRpbjEKcDIKdHAzClJwNAou",
    ),
    (
        "bytes",
        "Y19jb2RlY3MKZW5jb2RlCnEAKFgEAAAAYWLDv3EBWAYAAABsYXRpbjFxAnRxA1JxBC4=",
    ),
    (
        "bytes",
        "gAJjX2NvZGVjcwplbmNvZGUKcQBYBAAAAGFiw79xAVgGAAAAbGF0aW4xcQKGcQNScQQu",
    ),
    ("bytes", "gANDA2Fi/3EALg=="),
    ("bytes", "gASVBwAAAAAAAABDA2Fi/5Qu"),
    ("bytes", "gAWVBwAAAAAAAABDA2Fi/5Qu"),
    (
        "a Python object of class `builtins.complex`",
        "Y19fYnVpbHRpbl9fCmNvbXBsZXgKcDAKKEYwLjAKRjEuMAp0cDEKUnAyCi4=",
    ),
    (
        "a Python object of class `builtins.complex`",
        "Y19fYnVpbHRpbl9fCmNvbXBsZXgKcQAoRwAAAAAAAAAARz/wAAAAAAAAdHEBUnECLg==",
    ),
    (
        "a Python object of class `builtins.complex`",
        "gAJjX19idWlsdGluX18KY29tcGxleApxAEcAAAAAAAAAAEc/8AAAAAAAAIZxAVJxAi4=",
    ),
    (
        "a Python object of class `builtins.complex`",
        "gANjYnVpbHRpbnMKY29tcGxleApxAEcAAAAAAAAAAEc/8AAAAAAAAIZxAVJxAi4=",
    ),
    (
        "a Python object of class `builtins.complex`",
        "gASVLgAAAAAAAACMCGJ1aWx0aW5zlIwHY29tcGxleJSTlEcAAAAAAAAAAEc/8AAAAAAAAIaUUpQu",
    ),
    (
        "a Python object of class `builtins.complex`",
        "gAWVLgAAAAAAAACMCGJ1aWx0aW5zlIwHY29tcGxleJSTlEcAAAAAAAAAAEc/8AAAAAAAAIaUUpQu",
    ),
    (
        "a Python object of class `collections.OrderedDict`",
        "Y2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnAwCih0UnAxClZhCnAyCkkxCnMu",
    ),
    (
        "a Python object of class `collections.OrderedDict`",
        "Y2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEAKVJxAVgBAAAAYXECSwFzLg==",
    ),
    (
        "a Python object of class `collections.OrderedDict`",
        "gAJjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcQApUnEBWAEAAABhcQJLAXMu",
    ),
    (
        "a Python object of class `collections.OrderedDict`",
        "gANjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcQApUnEBWAEAAABhcQJLAXMu",
    ),
    (
        "a Python object of class `collections.OrderedDict`",
        "gASVKQAAAAAAAACMC2NvbGxlY3Rpb25zlIwLT3JkZXJlZERpY3SUk5QpUpSMAWGUSwFzLg==",
    ),
    (
        "a Python object of class `collections.OrderedDict`",
        "gAWVKQAAAAAAAACMC2NvbGxlY3Rpb25zlIwLT3JkZXJlZERpY3SUk5QpUpSMAWGUSwFzLg==",
    ),
    (
        "a Python object of class `collections.deque`",
        "Y2NvbGxlY3Rpb25zCmRlcXVlCnAwCih0UnAxCkkxCmEu",
    ),
    (
        "a Python object of class `collections.deque`",
        "Y2NvbGxlY3Rpb25zCmRlcXVlCnEAKVJxAUsBYS4=",
    ),
    (
        "a Python object of class `collections.deque`",
        "gAJjY29sbGVjdGlvbnMKZGVxdWUKcQApUnEBSwFhLg==",
    ),
    (
        "a Python object of class `collections.deque`",
        "gANjY29sbGVjdGlvbnMKZGVxdWUKcQApUnEBSwFhLg==",
    ),
    (
        "a Python object of class `collections.deque`",
        "gASVHwAAAAAAAACMC2NvbGxlY3Rpb25zlIwFZGVxdWWUk5QpUpRLAWEu",
    ),
    (
        "a Python object of class `collections.deque`",
        "gAWVHwAAAAAAAACMC2NvbGxlY3Rpb25zlIwFZGVxdWWUk5QpUpRLAWEu",
    ),
    (
        "a Python object of class `__main__.Colour`",
        "Y19fbWFpbl9fCkNvbG91cgpwMAooSTEKdHAxClJwMgou",
    ),
    (
        "a Python object of class `__main__.Colour`",
        "Y19fbWFpbl9fCkNvbG91cgpxAChLAXRxAVJxAi4=",
    ),
    (
        "a Python object of class `__main__.Colour`",
        "gAJjX19tYWluX18KQ29sb3VyCnEASwGFcQFScQIu",
    ),
    (
        "a Python object of class `__main__.Colour`",
        "gANjX19tYWluX18KQ29sb3VyCnEASwGFcQFScQIu",
    ),
    (
        "a Python object of class `__main__.Colour`",
        "gASVHQAAAAAAAACMCF9fbWFpbl9flIwGQ29sb3VylJOUSwGFlFKULg==",
    ),
    (
        "a Python object of class `__main__.Colour`",
        "gAWVHQAAAAAAAACMCF9fbWFpbl9flIwGQ29sb3VylJOUSwGFlFKULg==",
    ),
    (
        "a Python object of class `__main__.Plain`",
        "Y2NvcHlfcmVnCl9yZWNvbnN0cnVjdG9yCnAwCihjX19tYWluX18KUGxhaW4KcDEKY19fYnVpbHRpbl9fCm9iamVjdApwMgpOdHAzClJwNAooZHA1ClZhCnA2CkkxCnNiLg==",
    ),
    (
        "a Python object of class `__main__.Plain`",
        "Y2NvcHlfcmVnCl9yZWNvbnN0cnVjdG9yCnEAKGNfX21haW5fXwpQbGFpbgpxAWNfX2J1aWx0aW5fXwpvYmplY3QKcQJOdHEDUnEEfXEFWAEAAABhcQZLAXNiLg==",
    ),
    (
        "a Python object of class `__main__.Plain`",
        "gAJjX19tYWluX18KUGxhaW4KcQApgXEBfXECWAEAAABhcQNLAXNiLg==",
    ),
    (
        "a Python object of class `__main__.Plain`",
        "gANjX19tYWluX18KUGxhaW4KcQApgXEBfXECWAEAAABhcQNLAXNiLg==",
    ),
    (
        "a Python object of class `__main__.Plain`",
        "gASVIwAAAAAAAACMCF9fbWFpbl9flIwFUGxhaW6Uk5QpgZR9lIwBYZRLAXNiLg==",
    ),
    (
        "a Python object of class `__main__.Plain`",
        "gAWVIwAAAAAAAACMCF9fbWFpbl9flIwFUGxhaW6Uk5QpgZR9lIwBYZRLAXNiLg==",
    ),
    (
        "a dict with a Python object of class `__main__.Key` as a key",
        "KGRwMApjY29weV9yZWcKX3JlY29uc3RydWN0b3IKcDEKKGNfX21haW5fXwpLZXkKcDIKY19fYnVpbHRpbl9fCnVuaWNvZGUKcDMKVmsKcDQKdHA1ClJwNgpJMQpzLg==",
    ),
    (
        "a dict with a Python object of class `__main__.Key` as a key",
        "fXEAY2NvcHlfcmVnCl9yZWNvbnN0cnVjdG9yCnEBKGNfX21haW5fXwpLZXkKcQJjX19idWlsdGluX18KdW5pY29kZQpxA1gBAAAAa3EEdHEFUnEGSwFzLg==",
    ),
    (
        "a dict with a Python object of class `__main__.Key` as a key",
        "gAJ9cQBjX19tYWluX18KS2V5CnEBWAEAAABrcQKFcQOBcQRLAXMu",
    ),
    (
        "a dict with a Python object of class `__main__.Key` as a key",
        "gAN9cQBjX19tYWluX18KS2V5CnEBWAEAAABrcQKFcQOBcQRLAXMu",
    ),
    (
        "a dict with a Python object of class `__main__.Key` as a key",
        "gASVIQAAAAAAAAB9lIwIX19tYWluX1+UjANLZXmUk5SMAWuUhZSBlEsBcy4=",
    ),
    (
        "a dict with a Python object of class `__main__.Key` as a key",
        "gAWVIQAAAAAAAAB9lIwIX19tYWluX1+UjANLZXmUk5SMAWuUhZSBlEsBcy4=",
    ),
    ("a dict with an int as a key", "KGRwMApJMQpJMgpzLg=="),
    ("a dict with an int as a key", "fXEASwFLAnMu"),
    ("a dict with an int as a key", "gAJ9cQBLAUsCcy4="),
    ("a dict with an int as a key", "gAN9cQBLAUsCcy4="),
    (
        "a dict with an int as a key",
        "gASVCAAAAAAAAAB9lEsBSwJzLg==",
    ),
    (
        "a dict with an int as a key",
        "gAWVCAAAAAAAAAB9lEsBSwJzLg==",
    ),
    ("a dict with None as a key", "KGRwMApOSTIKcy4="),
    ("a dict with None as a key", "fXEATksCcy4="),
    ("a dict with None as a key", "gAJ9cQBOSwJzLg=="),
    ("a dict with None as a key", "gAN9cQBOSwJzLg=="),
    ("a dict with None as a key", "gASVBwAAAAAAAAB9lE5LAnMu"),
    ("a dict with None as a key", "gAWVBwAAAAAAAAB9lE5LAnMu"),
    (
        "a dict with a list, tuple or set as a key",
        "KGRwMAooSTEKSTIKdHAxCkkyCnMu",
    ),
    (
        "a dict with a list, tuple or set as a key",
        "fXEAKEsBSwJ0cQFLAnMu",
    ),
    (
        "a dict with a list, tuple or set as a key",
        "gAJ9cQBLAUsChnEBSwJzLg==",
    ),
    (
        "a dict with a list, tuple or set as a key",
        "gAN9cQBLAUsChnEBSwJzLg==",
    ),
    (
        "a dict with a list, tuple or set as a key",
        "gASVDAAAAAAAAAB9lEsBSwKGlEsCcy4=",
    ),
    (
        "a dict with a list, tuple or set as a key",
        "gAWVDAAAAAAAAAB9lEsBSwKGlEsCcy4=",
    ),
    ("the float nan", "KGxwMApGbmFuCmEu"),
    ("the float nan", "XXEAR3/4AAAAAAAAYS4="),
    ("the float nan", "gAJdcQBHf/gAAAAAAABhLg=="),
    ("the float nan", "gANdcQBHf/gAAAAAAABhLg=="),
    ("the float nan", "gASVDQAAAAAAAABdlEd/+AAAAAAAAGEu"),
    ("the float nan", "gAWVDQAAAAAAAABdlEd/+AAAAAAAAGEu"),
    ("the float -inf", "KGxwMApGLWluZgphLg=="),
    ("the float -inf", "XXEAR//wAAAAAAAAYS4="),
    ("the float -inf", "gAJdcQBH//AAAAAAAABhLg=="),
    ("the float -inf", "gANdcQBH//AAAAAAAABhLg=="),
    ("the float -inf", "gASVDQAAAAAAAABdlEf/8AAAAAAAAGEu"),
    ("the float -inf", "gAWVDQAAAAAAAABdlEf/8AAAAAAAAGEu"),
    (
        "a str with half of a surrogate pair",
        "VmFcdWQ4MDAKcDAKLg==",
    ),
    ("a str with half of a surrogate pair", "WAQAAABh7aCAcQAu"),
    (
        "a str with half of a surrogate pair",
        "gAJYBAAAAGHtoIBxAC4=",
    ),
    (
        "a str with half of a surrogate pair",
        "gANYBAAAAGHtoIBxAC4=",
    ),
    (
        "a str with half of a surrogate pair",
        "gASVCAAAAAAAAACMBGHtoICULg==",
    ),
    (
        "a str with half of a surrogate pair",
        "gAWVCAAAAAAAAACMBGHtoICULg==",
    ),
    (
        "the Python class or function `builtins.len`",
        "Y19fYnVpbHRpbl9fCmxlbgpwMAou",
    ),
    (
        "the Python class or function `builtins.len`",
        "Y19fYnVpbHRpbl9fCmxlbgpxAC4=",
    ),
    (
        "the Python class or function `builtins.len`",
        "gAJjX19idWlsdGluX18KbGVuCnEALg==",
    ),
    (
        "the Python class or function `builtins.len`",
        "gANjYnVpbHRpbnMKbGVuCnEALg==",
    ),
    (
        "the Python class or function `builtins.len`",
        "gASVFAAAAAAAAACMCGJ1aWx0aW5zlIwDbGVulJOULg==",
    ),
    (
        "the Python class or function `builtins.len`",
        "gAWVFAAAAAAAAACMCGJ1aWx0aW5zlIwDbGVulJOULg==",
    ),
    (
        "a Python object of class `builtins.ValueError`",
        "Y2V4Y2VwdGlvbnMKVmFsdWVFcnJvcgpwMAooVngKcDEKdHAyClJwMwou",
    ),
    (
        "a Python object of class `builtins.ValueError`",
        "Y2V4Y2VwdGlvbnMKVmFsdWVFcnJvcgpxAChYAQAAAHhxAXRxAlJxAy4=",
    ),
    (
        "a Python object of class `builtins.ValueError`",
        "gAJjZXhjZXB0aW9ucwpWYWx1ZUVycm9yCnEAWAEAAAB4cQGFcQJScQMu",
    ),
    (
        "a Python object of class `builtins.ValueError`",
        "gANjYnVpbHRpbnMKVmFsdWVFcnJvcgpxAFgBAAAAeHEBhXECUnEDLg==",
    ),
    (
        "a Python object of class `builtins.ValueError`",
        "gASVIwAAAAAAAACMCGJ1aWx0aW5zlIwKVmFsdWVFcnJvcpSTlIwBeJSFlFKULg==",
    ),
    (
        "a Python object of class `builtins.ValueError`",
        "gAWVIwAAAAAAAACMCGJ1aWx0aW5zlIwKVmFsdWVFcnJvcpSTlIwBeJSFlFKULg==",
    ),
    (
        "a Python object of class `builtins.object`",
        "Y2NvcHlfcmVnCl9yZWNvbnN0cnVjdG9yCnAwCihjX19idWlsdGluX18Kb2JqZWN0CnAxCmcxCk50cDIKUnAzCi4=",
    ),
    (
        "a Python object of class `builtins.object`",
        "Y2NvcHlfcmVnCl9yZWNvbnN0cnVjdG9yCnEAKGNfX2J1aWx0aW5fXwpvYmplY3QKcQFoAU50cQJScQMu",
    ),
    (
        "a Python object of class `builtins.object`",
        "gAJjX19idWlsdGluX18Kb2JqZWN0CnEAKYFxAS4=",
    ),
    (
        "a Python object of class `builtins.object`",
        "gANjYnVpbHRpbnMKb2JqZWN0CnEAKYFxAS4=",
    ),
    (
        "a Python object of class `builtins.object`",
        "gASVGgAAAAAAAACMCGJ1aWx0aW5zlIwGb2JqZWN0lJOUKYGULg==",
    ),
    (
        "a Python object of class `builtins.object`",
        "gAWVGgAAAAAAAACMCGJ1aWx0aW5zlIwGb2JqZWN0lJOUKYGULg==",
    ),
    ("a bytearray", "gAWVDAAAAAAAAACWAQAAAAAAAAB4lC4="),
    (
        "a Python object of class `builtins.bytearray`",
        "gAJjX19idWlsdGluX18KYnl0ZWFycmF5CnEAY19jb2RlY3MKZW5jb2RlCnEBWAEAAAB4cQJYBgAAAGxhdGluMXEDhnEEUnEFhXEGUnEHLg==",
    ),
    (
        "a Python object of class `__main__.Kw`",
        "gASVHwAAAAAAAACMCF9fbWFpbl9flIwCS3eUk5QpfZSMAWGUSwFzkpQu",
    ),
];

/// Class and message of exceptions, and their pickles.
pub(super) const ERRORS: &[(&str, &str, &str)] = &[
    (
        "ValueError",
        "x",
        "Y2V4Y2VwdGlvbnMKVmFsdWVFcnJvcgpwMAooVngKcDEKdHAyClJwMwou",
    ),
    (
        "ValueError",
        "x",
        "gAJjZXhjZXB0aW9ucwpWYWx1ZUVycm9yCnEAWAEAAAB4cQGFcQJScQMu",
    ),
    (
        "ValueError",
        "x",
        "gASVIwAAAAAAAACMCGJ1aWx0aW5zlIwKVmFsdWVFcnJvcpSTlIwBeJSFlFKULg==",
    ),
    (
        "ValueError",
        "é \\ 
😀",
        "Y2V4Y2VwdGlvbnMKVmFsdWVFcnJvcgpwMAooVukgXHUwMDVjIFx1MDAwYVxVMDAwMWY2MDAKcDEKdHAyClJwMwou",
    ),
    (
        "ValueError",
        "é \\ 
😀",
        "gAJjZXhjZXB0aW9ucwpWYWx1ZUVycm9yCnEAWAoAAADDqSBcIArwn5iAcQGFcQJScQMu",
    ),
    (
        "ValueError",
        "é \\ 
😀",
        "gASVLAAAAAAAAACMCGJ1aWx0aW5zlIwKVmFsdWVFcnJvcpSTlIwKw6kgXCAK8J+YgJSFlFKULg==",
    ),
    (
        "RuntimeError",
        "",
        "gASVIAAAAAAAAACMCGJ1aWx0aW5zlIwMUnVudGltZUVycm9ylJOUKVKULg==",
    ),
    (
        "KeyError",
        "7",
        "gASVHwAAAAAAAACMCGJ1aWx0aW5zlIwIS2V5RXJyb3KUk5RLB4WUUpQu",
    ),
    (
        "FileNotFoundError",
        "2, No such file",
        "gASVNwAAAAAAAACMCGJ1aWx0aW5zlIwRRmlsZU5vdEZvdW5kRXJyb3KUk5RLAowMTm8gc3VjaCBmaWxllIaUUpQu",
    ),
    (
        "ValueError",
        "with a note",
        "gASVawAAAAAAAACMCGJ1aWx0aW5zlIwKVmFsdWVFcnJvcpSTlIwLd2l0aCBhIG5vdGWUhZRSlH2UKIwJX19ub3Rlc19flF2UjAFulGGMBHdoZW6UjAhkYXRldGltZZSMBGRhdGWUk5RDBAfpAQGUhZRSlHViLg==",
    ),
    (
        "ValueError",
        "{\"k\":[null, 1.5]}",
        "gASVNAAAAAAAAACMCGJ1aWx0aW5zlIwKVmFsdWVFcnJvcpSTlH2UjAFrlF2UKE5HP/gAAAAAAABlc4WUUpQu",
    ),
    (
        "ValueError",
        "<bytes>, date(<bytes>), {<a dict with an int as a key>:2}",
        "gASVSQAAAAAAAACMCGJ1aWx0aW5zlIwKVmFsdWVFcnJvcpSTlEMBeJSMCGRhdGV0aW1llIwEZGF0ZZSTlEMEB+kBAZSFlFKUfZRLAUsCc4eUUpQu",
    ),
    (
        "Inner",
        "in",
        "gASVJQAAAAAAAACMCF9fbWFpbl9flIwLT3V0ZXIuSW5uZXKUk5SMAmlulIWUUpQu",
    ),
    (
        "ExceptionGroup",
        "eg, [ValueError(\"x\")]",
        "gASVTQAAAAAAAACMCGJ1aWx0aW5zlIwORXhjZXB0aW9uR3JvdXCUk5SMAmVnlF2UjAhidWlsdGluc5SMClZhbHVlRXJyb3KUk5SMAXiUhZRSlGGGlFKULg==",
    ),
    (
        "DBOSException",
        "boom",
        "gASVUQAAAAAAAACMC2Rib3MuX2Vycm9ylIwNREJPU0V4Y2VwdGlvbpSTlIwEYm9vbZSFlFKUfZQojAdtZXNzYWdllGgDjA9kYm9zX2Vycm9yX2NvZGWUSwx1Yi4=",
    ),
    (
        "PortableWorkflowError",
        "boom",
        "gASVfwAAAAAAAACME2Rib3MuX3NlcmlhbGl6YXRpb26UjBVQb3J0YWJsZVdvcmtmbG93RXJyb3KUk5QojARib29tlIwFTXlFcnKUSyp9lIwBa5RdlEsBYXN0lFKUfZQojAdtZXNzYWdllGgDjARuYW1llGgEjARjb2RllEsqjARkYXRhlGgFdWIu",
    ),
    (
        "PortableWorkflowError",
        "boom",
        "gASVaQAAAAAAAACME2Rib3MuX3NlcmlhbGl6YXRpb26UjBVQb3J0YWJsZVdvcmtmbG93RXJyb3KUk5QpUpR9lCiMB21lc3NhZ2WUjARib29tlIwEbmFtZZSMBU15RXJylIwEY29kZZROjARkYXRhlE51Yi4=",
    ),
    (
        "DBOSNonExistentWorkflowError",
        "target, wf-1",
        "gASVRAAAAAAAAACMC2Rib3MuX2Vycm9ylIwcREJPU05vbkV4aXN0ZW50V29ya2Zsb3dFcnJvcpSTlIwGdGFyZ2V0lIwEd2YtMZSGlFKULg==",
    ),
    (
        "DBOSConflictingWorkflowError",
        "wf-1, null",
        "gASVPAAAAAAAAACMC2Rib3MuX2Vycm9ylIwcREJPU0NvbmZsaWN0aW5nV29ya2Zsb3dFcnJvcpSTlIwEd2YtMZROhpRSlC4=",
    ),
    (
        "DBOSNotAuthorizedError",
        "no",
        "gASVMwAAAAAAAACMC2Rib3MuX2Vycm9ylIwWREJPU05vdEF1dGhvcml6ZWRFcnJvcpSTlIwCbm+UhZRSlC4=",
    ),
    (
        "DBOSMaxStepRetriesExceeded",
        "embed, 3, [ValueError(\"x\"), KeyError(7)]",
        "Y2Rib3MuX2Vycm9yCkRCT1NNYXhTdGVwUmV0cmllc0V4Y2VlZGVkCnAwCihWZW1iZWQKcDEKSTMKKGxwMgpjZXhjZXB0aW9ucwpWYWx1ZUVycm9yCnAzCihWeApwNAp0cDUKUnA2CmFjZXhjZXB0aW9ucwpLZXlFcnJvcgpwNwooSTcKdHA4ClJwOQphdHAxMApScDExCi4=",
    ),
    (
        "DBOSMaxStepRetriesExceeded",
        "embed, 3, [ValueError(\"x\"), KeyError(7)]",
        "gAJjZGJvcy5fZXJyb3IKREJPU01heFN0ZXBSZXRyaWVzRXhjZWVkZWQKcQBYBQAAAGVtYmVkcQFLA11xAihjZXhjZXB0aW9ucwpWYWx1ZUVycm9yCnEDWAEAAAB4cQSFcQVScQZjZXhjZXB0aW9ucwpLZXlFcnJvcgpxB0sHhXEIUnEJZYdxClJxCy4=",
    ),
    (
        "DBOSMaxStepRetriesExceeded",
        "embed, 3, [ValueError(\"x\"), KeyError(7)]",
        "gASVdwAAAAAAAACMC2Rib3MuX2Vycm9ylIwaREJPU01heFN0ZXBSZXRyaWVzRXhjZWVkZWSUk5SMBWVtYmVklEsDXZQojAhidWlsdGluc5SMClZhbHVlRXJyb3KUk5SMAXiUhZRSlGgFjAhLZXlFcnJvcpSTlEsHhZRSlGWHlFKULg==",
    ),
    (
        "MaxRecoveryAttemptsExceededError",
        "wf-1, 50",
        "gASVQQAAAAAAAACMC2Rib3MuX2Vycm9ylIwgTWF4UmVjb3ZlcnlBdHRlbXB0c0V4Y2VlZGVkRXJyb3KUk5SMBHdmLTGUSzKGlFKULg==",
    ),
    (
        "DBOSUnexpectedStepError",
        "wf-1, 2, a, b",
        "gASVQQAAAAAAAACMC2Rib3MuX2Vycm9ylIwXREJPU1VuZXhwZWN0ZWRTdGVwRXJyb3KUk5QojAR3Zi0xlEsCjAFhlIwBYpR0lFKULg==",
    ),
    (
        "DBOSWorkflowCancelledError",
        "wf-1",
        "gASVXgAAAAAAAACMC2Rib3MuX2Vycm9ylIwaREJPU1dvcmtmbG93Q2FuY2VsbGVkRXJyb3KUk5SMBHdmLTGUhZRSlH2UKIwHbWVzc2FnZZRoA4wPZGJvc19lcnJvcl9jb2RllEsKdWIu",
    ),
    (
        "DBOSStepTimeoutError",
        "embed, 1.5",
        "gASVPQAAAAAAAACMC2Rib3MuX2Vycm9ylIwUREJPU1N0ZXBUaW1lb3V0RXJyb3KUk5SMBWVtYmVklEc/+AAAAAAAAIaUUpQu",
    ),
];

/// A list that holds itself, and a dict that does.
pub(super) const CYCLES: [&str; 2] = [
    "gASVBgAAAAAAAABdlGgAYS4=",
    "gASVDQAAAAAAAAB9lIwEc2VsZpRoAHMu",
];
