"""Songs as they are heard while they are decided: what is asked for, made and sent."""
