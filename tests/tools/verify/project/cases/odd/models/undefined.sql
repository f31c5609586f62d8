{{ undefined_macro('x') }}
